# All tests but those of this folder, for a root has no place for another one;
# run inside the root by fresh.sh.
#
# SPDX-License-Identifier: GPL-3.0-or-later
cd /root/wazo_auth && exec env CI=true SUITES='unit regress isolation pgtap tap' bash .ci/run
