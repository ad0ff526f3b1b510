#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh VERSION: `make deb`. Packs what `make install` lays out into build/deb/anteroom_VERSION_ARCH.deb. No root is needed.
# DEBFULLNAME and DEBEMAIL, as for Debian's own tools, name who makes it.
set -eu
version=$1
here=nginx/deb
out=build/deb
stage=$out/stage
doc=$stage/usr/share/doc/anteroom
for command in dpkg-deb dpkg-shlibdeps strip; do
    command -v $command >/dev/null || { echo "anteroom: make deb needs $command: apt-get install dpkg-dev" >&2 && exit 1; }
done
umask 022
maintainer="${DEBFULLNAME:-The Anteroom authors} <${DEBEMAIL:-anteroom@example.org}>"
# All files are as old as the newest change that users see: the same source gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGES)}
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out/debian" "$stage/DEBIAN"
${MAKE:-make} -s install DESTDIR="$stage" PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/lib/systemd/system \
    ZSHDIR=/usr/share/zsh/vendor-completions >/dev/null

find "$stage/usr/bin" "$stage/usr/libexec" -type f -exec strip --remove-section=.comment --remove-section=.note --strip-unneeded {} +
find "$stage/usr/share/man" -type f -exec gzip -9n {} +

# What Debian has its own form for.
rm "$doc/LICENSE"
copyright=$(sed -n 's/^Copyright (c) /Copyright: /p' LICENSE)
# The text of the licence, each line after a blank, an empty one as a dot.
licence=$(sed -e '1,/^Copyright/d' LICENSE | sed -e '/./,$!d' -e 's/^$/./' -e 's/^/ /')
awk -v c="$copyright" -v l="$licence" '$0 == "@COPYRIGHT@" {print c; next} $0 == "@LICENSE@" {print l; next} {print}' \
    "$here/copyright" >"$doc/copyright"
{
    printf 'anteroom (%s) unstable; urgency=medium\n\n  * This version. What is new stands in CHANGES.\n\n' "$version"
    printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.gz"
mkdir -p "$stage/usr/share/lintian/overrides"
cp "$here/lintian-overrides" "$stage/usr/share/lintian/overrides/anteroom"

printf 'Source: anteroom\n\nPackage: anteroom\nArchitecture: any\n' >"$out/debian/control"
libraries=$(cd "$out" && dpkg-shlibdeps -O stage/usr/bin/* stage/usr/libexec/anteroom/* 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$(dpkg --print-architecture)/" -e "s/@SHLIBS@/$libraries/" -e "s/@MAINTAINER@/$maintainer/" \
    -e "s/@SIZE@/$(du -k -s --apparent-size "$stage" | cut -f 1)/" "$here/control" >"$stage/DEBIAN/control"
install -m 755 "$here/postinst" "$here/prerm" "$here/postrm" "$stage/DEBIAN"
(cd "$stage" && find etc -type f | sort | sed 's|^|/|') >"$stage/DEBIAN/conffiles"
(cd "$stage" && find usr lib -type f | sort | xargs md5sum) >"$stage/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$stage" "$out"
