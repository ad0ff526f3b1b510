#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that are missing for: build, run, test, then bench, peers, cover, lint, openstack, install or fuzz
# (each includes the first three; bench has openstack's too).
# Asks sudo when not root. On a system without apt it says what is missing and fails.
set -eu

build='gcc make pkg-config libc6-dev libfcgi-dev libjson-c-dev libsqlite3-dev libcurl4-openssl-dev libyaml-dev libssl-dev'
run='nginx curl util-linux'
test='libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-jsonschema sqlite3 apache2-bin libapache2-mod-fcgid
procps prometheus bash-completion zsh chromium chromium-driver python3-selenium fonts-noto-cjk wrk spin'
cover='gcovr'
bench='gnuplot-nox'
openstack='python3-keystone python3-placement python3-nova python3-pymysql uwsgi-core uwsgi-plugin-python3 rabbitmq-server
mariadb-server-core mariadb-client-core'
install='dpkg-dev lintian systemd cron logrotate adduser apache2 apache2-suexec-pristine spawn-fcgi man-db'
peers='postgresql beanstalkd redis-server golang-go golang-github-mattn-go-sqlite3-dev'
# The run-time library of clang's sanitizers and of libFuzzer, of clang's own version: 14 is Debian 12's.
fuzz='clang libclang-rt-14-dev'
lint='clang clang-format clang-tidy cppcheck shellcheck mandoc git'
# Node.js of another origin brings its own npm, and would not stand Debian's beside it.
command -v npm >/dev/null 2>&1 || lint="$lint npm"

# What to look for where there is no dpkg: commands and pkg-config modules.
build_commands='cc make pkg-config'
run_commands='nginx curl flock setsid setpriv'
test_commands='python3 pytest-3 sqlite3 apache2 promtool zsh chromium chromedriver wrk spin'
cover_commands='gcovr gcov'
bench_commands='gnuplot'
openstack_commands='keystone-manage placement-manage uwsgi-core mariadbd epmd'
install_commands='dpkg-deb lintian systemd-analyze cron logrotate adduser a2ensite spawn-fcgi man unshare nsenter'
peers_commands='pgbench beanstalkd redis-server go findmnt'
fuzz_commands='clang'
lint_commands='clang clang-format clang-tidy cppcheck shellcheck mandoc git npm'
modules='json-c sqlite3 libcurl yaml-0.1 libcrypto'

case "${1-}" in
build) packages=$build commands=$build_commands ;;
run) packages="$build $run" commands="$build_commands $run_commands" ;;
test) packages="$build $run $test" commands="$build_commands $run_commands $test_commands" ;;
cover) packages="$build $run $test $cover" commands="$build_commands $run_commands $test_commands $cover_commands" ;;
bench) packages="$build $run $test $openstack $bench"
    commands="$build_commands $run_commands $test_commands $openstack_commands $bench_commands" ;;
openstack) packages="$build $run $test $openstack"
    commands="$build_commands $run_commands $test_commands $openstack_commands" ;;
install) packages="$build $run $test $install"
    commands="$build_commands $run_commands $test_commands $install_commands" ;;
peers) packages="$build $run $test $bench $peers"
    commands="$build_commands $run_commands $test_commands $bench_commands $peers_commands" ;;
fuzz) packages="$build $run $test $fuzz" commands="$build_commands $run_commands $test_commands $fuzz_commands" ;;
lint) packages="$build $run $test $lint"
    commands="$build_commands $run_commands $test_commands $lint_commands" ;;
*)
    echo "usage: deps.sh build|run|test|bench|peers|cover|lint|openstack|install|fuzz" >&2
    exit 2
    ;;
esac
PATH=$PATH:/usr/sbin:/sbin

missing_packages() {
    for package in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || printf ' %s' "$package"
    done
}

missing_tools() {
    for command in $commands; do
        command -v "$command" >/dev/null 2>&1 || printf ' %s' "$command"
    done
    command -v pkg-config >/dev/null 2>&1 || return 0
    for module in $modules; do
        pkg-config --exists "$module" || printf ' %s(library)' "$module"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

if ! command -v apt-get >/dev/null 2>&1; then
    missing=$(missing_tools)
    [ -z "$missing" ] && exit 0
    echo "anteroom: missing on this system:$missing. Please install them (on Debian they come from: $packages)." >&2
    exit 1
fi

missing=$(missing_packages)
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    echo "anteroom: missing Debian packages:$missing. Please install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "anteroom: installing:$missing" >&2
# Prometheus, a message broker and their like would start when they are installed, unless this says no; the tests start what they
# need themselves (of Prometheus nothing but promtool).
policy=/usr/sbin/policy-rc.d
if [ "$1" != build ] && [ "$1" != run ]; then
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        trap 'as_root rm -f "$policy"' EXIT
        trap 'exit 1' HUP INT TERM
    fi
fi
as_root apt-get update -q >&2 || true # a stale index may still do
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 || {
    echo "anteroom: these packages could not be installed:$missing" >&2
    exit 1
}
