#!/bin/bash
# SPDX-License-Identifier: MIT
# `make run`: builds Anteroom and runs nginx, anteroom.fcgi and anteroom-dispatch on this machine, in the foreground.
# PORT (8080) is where it listens on 127.0.0.1, STATE (var) the directory that everything is written to.
set -u

port=${PORT:-8080}
state=${STATE:-var}
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=$root/build
if [[ -n ${ANTEROOM_BIN-} ]]; then # the tests name the build that they want, and have made it
    bin=$(cd "$ANTEROOM_BIN" && pwd) || exit 1
fi
names=(anteroom.fcgi anteroom-dispatch nginx)
declare -A pid=() log=([anteroom.fcgi]=log/fcgi.log [anteroom-dispatch]=log/dispatch.log [nginx]=log/nginx.log)
PATH=$PATH:/usr/sbin:/sbin

say() {
    echo "anteroom: $*" >&2
}

die() {
    say "$*"
    exit 1
}

check_port() {
    [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -le 65535 ]] || die "PORT=$port is not a port (1 to 65535)."
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        die "port $port is in use: choose another one, as in: make run PORT=8081"
    fi
}

# Makes the state directory ours. The lock lives as long as this script: no other instance may use the same state.
take_state() {
    mkdir -p -- "$state" 2>/dev/null || die "STATE=$state cannot be created."
    state=$(cd -- "$state" && pwd -P) || die "STATE=$state cannot be entered."
    [[ -w $state ]] || die "STATE=$state is not writable."
    exec 9>>"$state/run.lock" || die "STATE=$state is not writable."
    flock -n 9 || die "STATE=$state is in use by another instance: stop that one, or choose another directory with STATE=."
    mkdir -p -- "$state/log" "$state/nginx/tmp" || die "STATE=$state is not writable."
    rm -f -- "$state/fcgi.sock"
}

# Keeps the log of the run before.
turn_logs() {
    local file
    for file in fcgi dispatch nginx access callbacks; do
        [[ -e log/$file.log ]] && mv -f "log/$file.log" "log/$file.log.1"
        : >"log/$file.log" || return 1
    done
}

# A file's text with the words between @ signs replaced.
fill() {
    local text
    text=$(<"$1")
    text=${text//@DATABASE@/"$2"}
    text=${text//@USER@/"$3"}
    text=${text//@PORT@/"$port"}
    printf '%s\n' "$text"
}

# The path as a YAML scalar in single quotes.
yaml_quote() {
    printf "'%s'" "${1//\'/\'\'}"
}

# Writes the configuration, unless somebody has edited it: that is so when it differs from the copy of what was written last.
write_configuration() {
    local made=.anteroom.yaml.made
    if [[ -e anteroom.yaml ]] && ! cmp -s anteroom.yaml "$made"; then
        grep -q "127\.0\.0\.1:$port/" anteroom.yaml ||
            say "note: $state/anteroom.yaml was edited and is left alone; no callback_base in it has port $port."
        return 0
    fi
    fill "$root/nginx/run.yaml" "$(yaml_quote "$state/anteroom.db")" "" >"$made" && cp "$made" anteroom.yaml
}

write_nginx() {
    local user=
    # As root the workers would become "nobody", who may not reach the socket.
    [[ $(id -u) -eq 0 ]] && user="user root;"
    fill "$root/nginx/run.conf" "" "$user" >nginx/nginx.conf &&
        cp "$root/nginx/anteroom-locations.conf" nginx/ && ln -sfn "$root/nginx/www" www
}

# start NAME COMMAND…: in a session of its own, so that Ctrl-C reaches this script alone, which then stops all in order; and
# with a signal for the case that this script is killed. Without our lock: that ends with this script.
start() {
    local name=$1
    shift
    setsid setpriv --pdeathsig TERM "$@" </dev/null >>"${log[$name]}" 2>&1 9>&- &
    pid[$name]=$!
}

alive() {
    kill -0 "${pid[$1]}" 2>/dev/null
}

# tell SIGNAL NAME: to its whole process group, since nginx's workers go on when their master is killed; to the process alone in
# the moment before it has its group.
tell() {
    kill "-$1" -- "-${pid[$2]}" 2>/dev/null || kill "-$1" "${pid[$2]}" 2>/dev/null
}

# The web server finishes what is under way, then the others leave. Whoever takes longer than 10 s is killed.
stop_all() {
    local name i
    trap '' INT TERM HUP
    for name in "${!pid[@]}"; do
        [[ $name == nginx ]] || tell TERM "$name"
    done
    for ((i = 0; i < 100 && ${#pid[@]} > 0; i++)); do
        # More than once: nginx overlooks the signal in the moment in which it starts.
        [[ -n ${pid[nginx]-} && $((i % 10)) -eq 0 ]] && tell QUIT nginx
        for name in "${!pid[@]}"; do
            tell 0 "$name" || unset "pid[$name]"
        done
        sleep 0.1
    done
    for name in "${!pid[@]}"; do
        say "$name did not stop and is killed."
        tell KILL "$name"
    done
    wait
}

# report_dead: says who has ended, and shows the end of its log.
report_dead() {
    local name
    for name in "${names[@]}"; do
        alive "$name" && continue
        if [[ $name == nginx ]] && grep -q 'Address already in use' log/nginx.log; then
            say "port $port is in use: choose another one, as in: make run PORT=8081"
        elif [[ $name == nginx ]] && grep -q 'bind() to .*Permission denied' log/nginx.log; then
            say "port $port may not be used by this user: choose one from 1024 on, as in: make run PORT=8080"
        else
            say "$name has ended. Its log, $state/${log[$name]}, ends with:"
            tail -n 10 "${log[$name]}" >&2
        fi
    done
}

all_alive() {
    local name
    for name in "${names[@]}"; do
        alive "$name" || return 1
    done
}

ready() {
    grep -q 'event=ready' log/dispatch.log &&
        curl -fsS --noproxy '*' -o /dev/null --max-time 2 "http://127.0.0.1:$port/healthz" 2>/dev/null
}

# Waits until all three answer: at most a minute, for a slow machine.
wait_ready() {
    local i
    for ((i = 0; i < 600; i++)); do
        all_alive || return 1
        ready && return 0
        sleep 0.1
    done
    say "not everything answers after a minute; see the logs in $state/log."
    return 1
}

run() {
    trap 'stop_all; exit 0' INT TERM HUP
    start anteroom.fcgi "$bin/anteroom.fcgi" --config "$state/anteroom.yaml" --listen unix:fcgi.sock
    start anteroom-dispatch "$bin/anteroom-dispatch" --config "$state/anteroom.yaml" --watch
    start nginx nginx -p ./ -e log/nginx.log -c nginx/nginx.conf
    if wait_ready; then
        echo "anteroom is ready: http://127.0.0.1:$port/"
        while all_alive; do
            wait -n # returns when one of them ends
        done
    fi
    report_dead
    stop_all
    exit 1
}

"$root/tests/deps.sh" run || exit 1
take_state
check_port
if [[ -z ${ANTEROOM_BIN-} ]]; then
    make -s -C "$root" bins >&2 || die "the build failed."
fi
cd -- "$state" || exit 1
if ! { turn_logs && write_configuration && write_nginx; }; then
    die "STATE=$state is not writable."
fi
run
