#!/bin/sh
# SPDX-License-Identifier: MIT
# Floating licences of a FlexLM server, for a queue whose jobs ask for features by their names:
#   {capacity: exec, program: [/usr/local/share/anteroom/examples/flexlm.sh, 27000@licences, cfd_base, cfd_solver],
#    accounting: observed}
# lmutil leaves with 0 whatever happens: a feature that it does not show is the error.
set -eu
server=${1:?names the server} && shift
answer=$(lmutil lmstat -a -c "$server")
printf '%s\n' "$answer" | awk -v wanted="$*" '
    # Users of cfd_base:  (Total of 275 licenses issued;  Total of 19 licenses in use)
    /^ *Users of [^ ]+: +\(Total of / { name = $3; sub(/:$/, "", name); total[name] += $6; used[name] += $11 }
    END {
        n = split(wanted, feature, " ")
        for (i = 1; i <= n; i++) {
            if (!(feature[i] in total)) exit 1
            totals = totals sep "\"" feature[i] "\":" total[feature[i]]
            useds = useds sep "\"" feature[i] "\":" used[feature[i]]
            sep = ","
        }
        printf "{\"hosts\":{\"licences\":{\"total\":{%s},\"used\":{%s}}}}\n", totals, useds
    }' || {
    echo "lmstat of $server does not show all of $*: $(printf '%s\n' "$answer" | sed -n '/[Ee]rror/{s/^ *//;p;q;}')" >&2
    exit 1
}
