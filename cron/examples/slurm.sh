#!/bin/sh
# SPDX-License-Identifier: MIT
# The nodes of a Slurm partition, for a queue whose jobs ask for CPU and Memory (in MiB):
#   {capacity: exec, program: [/usr/local/share/anteroom/examples/slurm.sh, batch], accounting: observed}
# A node that is down, drained, reserved or does not answer has nothing free.
set -eu
nodes=$(sinfo --noheader --noconvert --Node --exact --partition="${1:?names the partition}" \
    --Format=NodeHost:64,StateCompact:16,CPUsState:32,Memory:16,AllocMem:16)
[ -n "$nodes" ] || { echo "sinfo shows no node of partition $1" >&2; exit 1; }
printf '%s\n' "$nodes" | awk '
    BEGIN { printf "{\"hosts\":{" }
    {
        split($3, cpu, "/") # allocated/idle/other/total
        up = $2 ~ /^(idle|mix|alloc|comp)$/
        printf "%s\"%s\":{\"total\":{\"CPU\":%d,\"Memory\":%d},", sep, $1, cpu[4], $4
        printf "\"used\":{\"CPU\":%d,\"Memory\":%d}}\n", up ? cpu[4] - cpu[2] : cpu[4], up ? $5 : $4
        sep = ","
    }
    END { print "}}" }'
