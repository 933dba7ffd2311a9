# unit.mk - the tests that need no PostgreSQL server: `make check-unit`.
# Built with sanitizers into build/unit; each program prints TAP.
#
# SPDX-License-Identifier: GPL-3.0-or-later

UNIT_DIR = build/unit
UNIT_CC ?= clang
UNIT_CFLAGS = -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -Isrc -Itest/unit \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_GENERATED ?= 1000000

ACL_PURE = src/plain/acl_access.c src/plain/acl_pattern.c src/plain/acl_bits.c src/plain/acl_match.c src/plain/acl_compile.c src/plain/acl_keys.c
ACL_JUDGE = src/plain/acl_judge.c src/plain/acl_overlap.c src/plain/acl_heads.c
ACL_JUDGE_HEADERS = src/plain/acl_judge.h src/plain/acl_overlap.h src/plain/acl_heads.h
ACL_PURE_HEADERS = src/plain/acl_access.h src/plain/acl_bits.h src/plain/acl_pattern.h src/plain/acl_match.h src/plain/acl_compile.h src/plain/acl_keys.h test/unit/acl_reference.h

# Add to UNIT_TESTS the name of a target that runs one program.
UNIT_TESTS += unit-front unit-log-text unit-normal-domain unit-acl-match unit-acl-judge unit-form-body unit-http-target unit-json-scan unit-ldap-text unit-phc unit-public-address unit-traceparent unit-uuid-text unit-validate-text unit-saml-mutation unit-sandbox

$(UNIT_DIR):
	mkdir -p $@

# Every program prints by it.
$(addprefix $(UNIT_DIR)/,$(notdir $(basename $(wildcard test/unit/*_test.c)))): test/unit/tap.h

$(UNIT_DIR)/%.lines: test/data/%.json test/data/acl_lines.pl | $(UNIT_DIR)
	perl test/data/acl_lines.pl $< > $@.new && mv $@.new $@

$(UNIT_DIR)/acl_match_test: test/unit/acl_match_test.c $(ACL_PURE) $(ACL_PURE_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ test/unit/acl_match_test.c $(ACL_PURE)

$(UNIT_DIR)/acl_judge_test: test/unit/acl_judge_test.c $(ACL_PURE) $(ACL_PURE_HEADERS) $(ACL_JUDGE) $(ACL_JUDGE_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ test/unit/acl_judge_test.c $(ACL_PURE) $(ACL_JUDGE)

$(UNIT_DIR)/normal_domain_test: test/unit/normal_domain_test.c src/plain/normal_domain.c src/plain/normal_domain.h | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lidn

$(UNIT_DIR)/log_text_test: test/unit/log_text_test.c src/plain/log_text.c src/plain/log_text.h | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lutf8proc

$(UNIT_DIR)/validate_text_test: test/unit/validate_text_test.c src/plain/validate_email.c src/plain/python_text.c \
		src/plain/validate_email.h src/plain/python_text.h | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lidn -lutf8proc

$(UNIT_DIR)/%_test: test/unit/%_test.c src/plain/%.c src/plain/%.h | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

# The parts of the front that need neither Kore nor libpq.
FRONT_PURE = $(addprefix kore_front/,request.c chunked.c response.c cors.c mask.c peer.c route.c utf8.c bytes.c fair_queue.c) src/plain/traceparent.c

$(UNIT_DIR)/front_test: test/unit/front_test.c $(FRONT_PURE) $(wildcard kore_front/*.h) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lutf8proc

# Its configuration files, which the commands read, too.
UNIT_TESTS += unit-config unit-metrics
CONFIG_PURE = $(addprefix kore_front/,tree.c settings.c config_files.c bytes.c)
CONFIG_HEADERS = $(addprefix kore_front/,tree.h settings.h config_files.h bytes.h known_settings.inc)

$(UNIT_DIR)/config_test: test/unit/config_test.c $(CONFIG_PURE) $(CONFIG_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lyaml -lm

unit-config: $(UNIT_DIR)/config_test
	$<

unit-metrics: $(UNIT_DIR)/metrics_test
	$<

$(UNIT_DIR)/metrics_test: test/unit/metrics_test.c kore_front/metrics.c kore_front/bytes.c $(wildcard kore_front/*.h) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^)

# The reader of SAML documents, which xml.mk builds into a program of its own.
# So many changes without sanitizers, a tenth of them with.
UNIT_SAML_MUTATIONS ?= 100000
SAML_SAMPLE = test/unit/saml_sample.c $(SAML_XML_PURE)
SAML_HEADERS = test/unit/saml_sample.h $(wildcard src/saml/xml/*.h)

$(UNIT_DIR)/saml_mutation_test: test/unit/saml_mutation_test.c $(SAML_SAMPLE) $(SAML_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(UNIT_CFLAGS) $(SAML_XML_INCLUDES) -o $@ $(filter %.c,$^) $(SAML_XML_LIBS)

$(UNIT_DIR)/saml_mutation_fast: test/unit/saml_mutation_test.c $(SAML_SAMPLE) $(SAML_HEADERS) | $(UNIT_DIR)
	$(UNIT_CC) $(filter-out -O1 -g -fsanitize=% -fno-sanitize%,$(UNIT_CFLAGS)) -O2 $(SAML_XML_INCLUDES) -o $@ $(filter %.c,$^) $(SAML_XML_LIBS)

# The program with a parser that does what the document says, for test/t/saml_program.t.
$(UNIT_DIR)/saml_hostile: test/unit/hostile_document.c test/unit/hostile.h $(wildcard src/saml/xml/*.[ch]) | $(UNIT_DIR)
	$(UNIT_CC) -std=c11 -D_GNU_SOURCE -Isrc $(SAML_XML_INCLUDES) -Wl,--wrap=document_parse -o $@ $(filter %.c,$^) $(SAML_XML_LIBS) -lseccomp

# The program with an exchange that does what the login says, for test/t/ldap_program.t.
$(UNIT_DIR)/ldap_hostile: test/unit/hostile_exchange.c test/unit/hostile.h $(wildcard src/ldap/program/*.[ch]) src/plain/ldap_text.c src/plain/job_strings.c src/plain/process_limits.c | $(UNIT_DIR)
	$(UNIT_CC) -std=gnu11 -Isrc -Wl,--wrap=exchange_run -o $@ $(filter %.c,$^) -lldap -llber

# Without sanitizers: they need more than the sandbox leaves.
$(UNIT_DIR)/sandbox_test: test/unit/sandbox_test.c test/unit/sandboxed.h src/saml/xml/sandbox.c src/saml/xml/sandbox.h | $(UNIT_DIR)
	$(UNIT_CC) $(filter-out -fsanitize=% -fno-sanitize%,$(UNIT_CFLAGS)) -o $@ $(filter %.c,$^) -lseccomp

# The list of the front's workers, with the headers of Kore but nothing else of it.
UNIT_TESTS += unit-front-sandbox
$(UNIT_DIR)/front_sandbox_test: test/unit/front_sandbox_test.c test/unit/sandboxed.h kore_front/sandbox.c kore_front/sandbox.h kore_front/kore_release.h $(KORE_STAMP) | $(UNIT_DIR)
	$(UNIT_CC) $(filter-out -std=% -fsanitize=% -fno-sanitize%,$(UNIT_CFLAGS)) -std=gnu11 -DFRONT_KORE_RELEASE=$(FRONT_KORE_RELEASE) \
		-I$(KORE_SOURCE)/include/kore -I$(KORE_BUILD) $$(cat $(KORE_STAMP)) -o $@ $(filter %.c,$^)

.PHONY: check-unit $(UNIT_TESTS)
unit-front-sandbox: $(UNIT_DIR)/front_sandbox_test
	$<

unit-front: $(UNIT_DIR)/front_test
	$<

unit-saml-mutation: $(UNIT_DIR)/saml_mutation_test $(UNIT_DIR)/saml_mutation_fast
	$(UNIT_DIR)/saml_mutation_fast $(UNIT_SAML_MUTATIONS)
	$(UNIT_DIR)/saml_mutation_test $$(( $(UNIT_SAML_MUTATIONS) / 10 )) 20260102

unit-sandbox: $(UNIT_DIR)/sandbox_test
	$<

unit-form-body: $(UNIT_DIR)/form_body_test
	$<

unit-http-target: $(UNIT_DIR)/http_target_test
	$<

unit-normal-domain: $(UNIT_DIR)/normal_domain_test
	$<

unit-ldap-text: $(UNIT_DIR)/ldap_text_test
	$<

unit-log-text: $(UNIT_DIR)/log_text_test
	$<

unit-json-scan: $(UNIT_DIR)/json_scan_test
	$<

unit-phc: $(UNIT_DIR)/phc_test
	$<

unit-public-address: $(UNIT_DIR)/public_address_test
	$<

unit-traceparent: $(UNIT_DIR)/traceparent_test
	$<

unit-uuid-text: $(UNIT_DIR)/uuid_text_test
	$<

unit-validate-text: $(UNIT_DIR)/validate_text_test
	$<

unit-acl-match: $(UNIT_DIR)/acl_match_test $(UNIT_DIR)/acl_vectors.lines $(UNIT_DIR)/sample_policies.lines
	$(UNIT_DIR)/acl_match_test $(UNIT_DIR)/acl_vectors.lines \
		$(UNIT_DIR)/sample_policies.lines $(UNIT_GENERATED)

unit-acl-judge: $(UNIT_DIR)/acl_judge_test $(UNIT_DIR)/acl_vectors.lines $(UNIT_DIR)/sample_policies.lines
	$(UNIT_DIR)/acl_judge_test $(UNIT_DIR)/acl_vectors.lines \
		$(UNIT_DIR)/sample_policies.lines $(UNIT_GENERATED)

check-unit: $(UNIT_TESTS)
