# fuzz.mk - the readers of what strangers send, under libFuzzer and sanitizers.
#
#	make check			each with what test/fuzz/corpus has, and a few inputs more
#	make fuzz			for FUZZ_SECONDS (60) each; FUZZERS chooses among them
#	make fuzz-corpus	keeps of what those found what reaches more of the code
#
# A corpus is a file of one input a line, in base64.  An input that once broke
# something is added to it by hand, and never goes.
#
# SPDX-License-Identifier: GPL-3.0-or-later

FUZZERS ?= acl config form front http_target ldap saml_logout saml_metadata saml_response template text
FUZZ_WORK = build/fuzz
# Inputs of any sort, of which the interesting ones are short; documents are not.
FUZZ_LENGTH = -max_len=$(if $(filter saml_%,$*),8192,400)

$(UNIT_DIR)/%_fuzz: test/fuzz/%_fuzz.c test/fuzz/require.h | $(UNIT_DIR)
	clang $(UNIT_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^) $(FUZZ_LIBS)

$(UNIT_DIR)/acl_fuzz: $(ACL_PURE) $(ACL_JUDGE) src/plain/acl_nearest.c $(ACL_PURE_HEADERS) $(ACL_JUDGE_HEADERS) src/plain/acl_nearest.h
$(UNIT_DIR)/config_fuzz: $(CONFIG_PURE) $(CONFIG_HEADERS)
$(UNIT_DIR)/config_fuzz: FUZZ_LIBS = -lyaml -lm
$(UNIT_DIR)/form_fuzz: src/plain/form_body.c src/plain/form_body.h src/plain/http_target.h
$(UNIT_DIR)/front_fuzz: $(FRONT_PURE) $(wildcard kore_front/*.h)
$(UNIT_DIR)/front_fuzz: FUZZ_LIBS = -lutf8proc
$(UNIT_DIR)/http_target_fuzz: src/plain/http_target.c src/plain/http_target.h
$(UNIT_DIR)/ldap_fuzz: src/plain/ldap_text.c src/plain/ldap_text.h
$(UNIT_DIR)/template_fuzz: src/plain/template_reader.c src/plain/template_reader.h
TEXT_PURE = $(addprefix src/plain/,json_scan log_text normal_domain phc python_text uuid_text validate_email)
$(UNIT_DIR)/text_fuzz: $(addsuffix .c,$(TEXT_PURE)) $(addsuffix .h,$(TEXT_PURE))
$(UNIT_DIR)/text_fuzz: FUZZ_LIBS = -lidn -lutf8proc

# One program for each kind of document.
$(UNIT_DIR)/saml_response_fuzz: SAMPLES = -DFIRST_SAMPLE=SAMPLE_RESPONSE -DLAST_SAMPLE=SAMPLE_ASSERTION
$(UNIT_DIR)/saml_logout_fuzz: SAMPLES = -DFIRST_SAMPLE=SAMPLE_LOGOUT -DLAST_SAMPLE=SAMPLE_QUERY
$(UNIT_DIR)/saml_metadata_fuzz: SAMPLES = -DFIRST_SAMPLE=SAMPLE_METADATA -DLAST_SAMPLE=SAMPLE_METADATA
$(UNIT_DIR)/saml_%_fuzz: test/fuzz/saml_fuzz.c $(SAML_SAMPLE) $(SAML_HEADERS) | $(UNIT_DIR)
	clang $(UNIT_CFLAGS) $(SAML_XML_INCLUDES) $(SAMPLES) -fsanitize=fuzzer -o $@ $(filter %.c,$^) $(SAML_XML_LIBS)

# What a fuzzer begins with, beside what earlier runs have found.
$(FUZZ_WORK)/%/begun: test/fuzz/corpus/%.base64 test/fuzz/corpus.pl
	@mkdir -p $(@D)/corpus
	perl test/fuzz/corpus.pl unpack $< $(@D)/corpus
	@touch $@

# Made by patterns, and yet not to be thrown away.
.PRECIOUS: $(UNIT_DIR)/%_fuzz $(FUZZ_WORK)/%/begun
.PHONY: fuzz fuzz-acl fuzz-corpus
fuzz: packages ## readers of what strangers send, FUZZ_SECONDS (60) for each of FUZZERS, with sanitizers
	@$(MAKE) --no-print-directory $(addprefix fuzz-of-,$(FUZZERS))

fuzz-of-%: $(UNIT_DIR)/%_fuzz $(FUZZ_WORK)/%/begun
	$< -max_total_time=$(or $(FUZZ_SECONDS),60) $(FUZZ_LENGTH) -artifact_prefix=$(FUZZ_WORK)/$*/ $(FUZZ_WORK)/$*/corpus

fuzz-corpus: $(addprefix fuzz-corpus-of-,$(FUZZERS))

# Of inputs that reach the same places one is enough, however often they pass there.
fuzz-corpus-of-%: $(UNIT_DIR)/%_fuzz $(FUZZ_WORK)/%/begun
	rm -rf $(FUZZ_WORK)/$*/least && mkdir $(FUZZ_WORK)/$*/least
	perl test/fuzz/corpus.pl unpack test/fuzz/corpus/$*.base64 $(FUZZ_WORK)/$*/least
	$< -set_cover_merge=1 -use_counters=0 $(FUZZ_LENGTH) $(FUZZ_WORK)/$*/least $(FUZZ_WORK)/$*/corpus
	perl test/fuzz/corpus.pl pack $(FUZZ_WORK)/$*/least test/fuzz/corpus/$*.base64

# As a test: the whole corpus, then as many changes of it as take a moment.
FUZZ_RUNS = $(if $(filter saml_%,$*),2000,20000)
check-unit: $(addprefix unit-fuzz-,$(FUZZERS))
unit-fuzz-%: $(UNIT_DIR)/%_fuzz $(FUZZ_WORK)/%/begun
	@sh test/fuzz/fuzz_test.sh $* $(FUZZ_RUNS) $(FUZZ_LENGTH)

# 10^8 generated pairs, without sanitizers so that it ends in minutes, then the
# fuzzer. FUZZ_PAIRS and FUZZ_SEED choose others.
fuzz-acl: $(UNIT_DIR)/acl_match_fast $(UNIT_DIR)/acl_vectors.lines $(UNIT_DIR)/sample_policies.lines
	$(UNIT_DIR)/acl_match_fast $(UNIT_DIR)/acl_vectors.lines $(UNIT_DIR)/sample_policies.lines \
		$(or $(FUZZ_PAIRS),100000000) $(FUZZ_SEED)
	@$(MAKE) --no-print-directory fuzz FUZZERS=acl

$(UNIT_DIR)/acl_match_fast: test/unit/acl_match_test.c $(ACL_PURE) $(ACL_PURE_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(filter-out -O1 -g -fsanitize=% -fno-sanitize%,$(UNIT_CFLAGS)) -O2 -o $@ test/unit/acl_match_test.c $(ACL_PURE)
