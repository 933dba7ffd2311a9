# All tests; run inside the root by fresh.sh.
#
# SPDX-License-Identifier: GPL-3.0-or-later
cd /root/wazo_auth && exec env CI=true bash .ci/run
