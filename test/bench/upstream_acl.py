#!/usr/bin/env python3
"""The upstream way of checking an access, to compare with.

Every entry becomes a regular expression; a check builds all of them and tries
them one after the other (Python keeps the expressions it has compiled before,
up to 512). Prints lines as test/bench/acl_bench.c does: shape, entries, then
nanoseconds of a warm check and of a first one.

Usage: upstream_acl.py sample_policies.json

SPDX-License-Identifier: GPL-3.0-or-later
"""
import json
import re
import sys
import time


class Check:
    def __init__(self, auth_id, session_id, acl):
        self.words = {'me': auth_id, 'my_session': session_id}
        self.positive = []
        self.negative = []
        for entry in acl:
            if entry.startswith('!'):
                self.negative.append(self.compile(entry[1:]))
            else:
                self.positive.append(self.compile(entry))

    def compile(self, entry):
        pattern = re.escape(entry).replace('\\*', '[^.#]*?').replace('\\#', '.*?')
        words = []
        for word in pattern.split('\\.'):
            if word in self.words:
                word = f'(?:{word}|{self.words[word]})'
            elif word == 'my_session' or word == 'my\\_session':
                word = f"(?:my_session|{self.words['my_session']})"
            elif word == 'edit':
                word = '(?:edit|update)'
            words.append(word)
        return re.compile('^' + '\\.'.join(words) + '$')

    def grants(self, required):
        if any(p.match(required) for p in self.negative):
            return False
        return any(p.match(required) for p in self.positive)


def main(path):
    with open(path) as f:
        data = json.load(f)
    # the same list as acl_bench.c makes
    pool = [e for name in sorted(data['token_acls'])
            for e in data['token_acls'][name]['acl'] if len(e.encode()) >= 4 and '.' in e]
    checks = [c[1] for c in data['checks']]
    ids = (data['auth_id'], data['session_uuid'])

    def entry(i):
        e = pool[i * 7 % len(pool)]
        if i < len(pool):
            return e
        head, tail = e.split('.', 1)
        return f'{head}.n{i}.{tail}'

    for count in (10, 100, 200, 1000):
        acl = [entry(i) for i in range(count)]
        sample = checks[:: max(1, len(checks) // (4000 // count))]
        Check(*ids, acl)
        start = time.perf_counter()
        for required in sample:
            Check(*ids, acl).grants(required)
        warm = (time.perf_counter() - start) / len(sample)

        made = Check(*ids, acl)
        start = time.perf_counter()
        for required in sample:
            made.grants(required)
        kept = (time.perf_counter() - start) / len(sample)

        first = 0.0
        rounds = 5
        for i in range(rounds):
            re.purge()
            start = time.perf_counter()
            Check(*ids, acl).grants(sample[i % len(sample)])
            first += time.perf_counter() - start
        print('sample', count, round(warm * 1e9), round(first / rounds * 1e9), round(kept * 1e9))


if __name__ == '__main__':
    main(sys.argv[1])
