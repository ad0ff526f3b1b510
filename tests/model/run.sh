#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks anteroom.pml with spin: that nothing in it is unsafe, that every run of it comes to a good end, and that each of the faults
# that it has for the purpose (BUG_…), and the lack of each thing that it assumes (NO_…), is found. A search that was not complete has
# failed. The long form (ANTEROOM_SOAK) searches more, each for so many seconds: what it has not got to by then, it says.
set -u
cd "$(dirname "$0")" || exit 1
model=$PWD/anteroom.pml
figures=$PWD/../../build/figures.txt
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
compiler=${CC:-cc}
megabytes=4000
failed=
long= # whether the search may end before all was looked at

# search NAME OPTIMIZE FLAG…: looks through the model with these macros; what pan says is in $dir/NAME/out.
search() {
    name=$1 optimize=$2
    shift 2
    mkdir "$dir/$name" && cd "$dir/$name" || return 1
    case " $* " in
    *" -DLIVE "*) kind=-DNP cycles=-l ;; # every cycle is a fault: each run must end
    *) kind=-DSAFETY cycles= ;;
    esac
    if [ -n "$long" ]; then
        kind="$kind -DCOLLAPSE" cycles="$cycles -Q$((ANTEROOM_SOAK / 60 + 1))" # minutes
    fi
    # -E: that a process waits for ever is none; in what is LIVE the model looks itself at how it ended.
    # shellcheck disable=SC2086 # a compiler may have options, and cycles may be empty or two
    spin -a "$@" "$model" >log 2>&1 &&
        $compiler "$optimize" -w $kind -DNOFAIR -DMEMLIM=$megabytes -o pan pan.c >>log 2>&1 &&
        ./pan $cycles -E -n -m1000000 >out 2>&1
    cd "$OLDPWD" || return 1
}

fails() {
    failed="$failed $1"
    echo "model $1: FAILED"
    cat "$dir/$1/log" "$dir/$1/out" 2>/dev/null
}

# holds NAME FLAG…
holds() {
    name=$1
    shift
    search "$name" -O2 "$@"
    out=$dir/$name/out
    all=
    if grep -q 'not completed\|out of memory' "$out"; then
        all=", then time or memory was used up"
    fi
    if ! grep -q 'errors: 0$' "$out" || grep -q 'truncated\|max search depth' "$out" || { [ -n "$all" ] && [ -z "$long" ]; }; then
        fails "$name"
        return
    fi
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$out")
    depth=$(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' "$out")
    echo "model $name: $states states, depth $depth, no error$all"
    figure="$figure $name $states states, depth $depth$all;"
}

# breaks NAME FLAG…: in a process of its own, which leaves a file when the fault was not found.
breaks() {
    name=$1
    shift
    search "$name" -O0 "$@"
    grep -q 'assertion violated\|non-progress cycle' "$dir/$name/out" 2>/dev/null && return
    touch "$dir/$name/missed"
}

figure=
if [ -n "${ANTEROOM_SOAK:-}" ]; then
    long=yes
    holds observed-two -DCAPACITY=2
    holds observed-three -DCAPACITY=2 -DJOBS=3
    holds ledger-two -DCAPACITY=2 -DLEDGER
    holds ledger-three -DCAPACITY=2 -DJOBS=3 -DLEDGER
    holds observed-ends -DLIVE -DTROUBLES=2
    holds ledger-ends -DLIVE -DTROUBLES=2 -DLEDGER
    holds observed-two-end -DLIVE -DTROUBLES=1 -DCAPACITY=2
    long=
fi
holds observed
holds ledger -DLEDGER
holds observed-end -DLIVE -DTROUBLES=1
holds ledger-end -DLIVE -DTROUBLES=1 -DLEDGER

mutants=0
while read -r flags; do
    name=$(echo "$flags" | sed 's/-D//g; s/ /-/g')
    # shellcheck disable=SC2086 # a list of flags
    breaks "$name" $flags &
    mutants=$((mutants + 1))
    [ $((mutants % 2)) -eq 1 ] || wait
done <<END
-DNO_LAG
-DNO_LEASE -DLEDGER
-DBUG_UNSURE
-DBUG_DROP
-DBUG_NO_HOLDS
-DBUG_STATE
-DBUG_GROUP -DCAPACITY=2
-DBUG_WRITTEN_FIRST
-DBUG_STALE
-DBUG_NO_SETTLE
-DBUG_NO_LOCK
-DBUG_NO_LOCK -DLEDGER
-DBUG_READ_AT
-DBUG_TWICE
-DBUG_EARLY_ANSWER
-DBUG_FORGETS -DLIVE -DTROUBLES=1
END
wait
for missed in "$dir"/*/missed; do
    [ -e "$missed" ] && fails "$(basename "$(dirname "$missed")")"
done

[ -z "$failed" ] || {
    echo "model: FAILED:$failed"
    exit 1
}
echo "model: $mutants faults were found, each as it must be"
mkdir -p "${figures%/*}"
echo "capacity is never promised twice (model):$figure $mutants mutants found" >>"$figures"
