#!/usr/bin/env bash
# Packs a built program:  scripts/package.sh [PROGRAM [FOLDER]]
#
# Makes aikit-lua_VERSION_ARCHITECTURE.deb (with a systemd unit, a user, /etc/aikit-lua and /var/lib/aikit-lua) and
# aikit-lua-VERSION-linux-ARCHITECTURE.tar.gz in the folder (.build/packages). The program is .build/release/aikit-lua unless
# another one is named.
source "$(dirname "$0")/common.sh"
cd "$repository"

program=${1:-.build/release/aikit-lua}
folder=${2:-.build/packages}
[ -x "$program" ] || die "no program at $program; run make build, or name one"
has dpkg-deb || die "dpkg-deb is missing (Debian's dpkg)"

version=$("$program" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+~-]*' | head -n 1)
[ -n "$version" ] || die "$program does not say its version"
architecture=$(dpkg --print-architecture)
# Archives that are made twice of the same program are the same, byte for byte.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# The packages that have the shared libraries which a program is linked against. A library that is in none, such as Swift's own in
# a build that is not for release, is named on standard error.
dependencies() {
    local library name package
    ldd "$1" | awk '$3 ~ /^\// { print $3 }' | while read -r library; do
        package=
        # A library may be known below /usr or as the machine sees it.
        for name in "$(realpath "$library")" "$library" "/usr$library" "${library#/usr}"; do
            package=$(dpkg-query -S "$name" 2>/dev/null | head -n 1 | cut -d: -f1) || true
            [ -z "$package" ] || break
        done
        if [ -n "$package" ]; then echo "$package"; else echo "warning: no package has $library" >&2; fi
    done | sort -u | paste -sd, | sed 's/,/, /g'
}

# The files that both archives have, below a prefix.
say "gathering the files of aikit-lua $version ($architecture)"
root=$work/root
scripts/install.sh "$program" "$root/usr" >/dev/null
gzip -9n "$root/usr/share/man/man1/aikit-lua.1"
mkdir -p "$root/usr/share/bash-completion" "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_aikit-lua" "$root/usr/share/zsh/vendor-completions/"
rmdir "$root/usr/share/zsh/site-functions"
documents=$root/usr/share/doc/aikit-lua
install -d "$documents/examples"
install -m 644 LICENSE "$documents/copyright"
gzip -9nc CHANGELOG.md >"$documents/changelog.gz"
install -m 644 docs/serve.md docs/deploy.md "$documents/"
install -m 644 examples/*.lua "$documents/examples/"

say "making the package"
install -d "$root/lib/systemd/system" "$root/etc/aikit-lua/workflows"
install -m 644 packaging/aikit-lua.service "$root/lib/systemd/system/"
install -m 640 packaging/environment "$root/etc/aikit-lua/"
chmod 755 "$root/etc/aikit-lua" "$root/etc/aikit-lua/workflows"
install -d "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "packaging/$script" "$root/DEBIAN/"; done
echo /etc/aikit-lua/environment >"$root/DEBIAN/conffiles"
depends=$(dependencies "$program")
cat >"$root/DEBIAN/control" <<CONTROL
Package: aikit-lua
Version: $version
Architecture: $architecture
Maintainer: The aikit-lua authors <aikit-lua@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: ${depends:+$depends, }passwd
Suggests: libpq5
Section: utils
Priority: optional
Description: embedded scripting host for workflows
 Runs workflows whose steps are Lua functions: durable, with timers, people's
 answers and live events, from the command line or as a server by HTTP.
CONTROL
mkdir -p "$folder"
package=$folder/aikit-lua_${version}_$architecture.deb
# xz would take minutes for a few megabytes less.
dpkg-deb --root-owner-group -Zgzip --build "$root" "$package" >/dev/null

say "making the archive"
name=aikit-lua-$version-linux-$architecture
tree=$work/$name
mkdir -p "$tree"
scripts/install.sh "$program" "$tree" >/dev/null
cp LICENSE README.md CHANGELOG.md "$tree/"
cp -r examples "$tree/examples"
rm -rf "$tree/examples/"embedding*
mkdir -p "$tree/share/doc"
cp docs/serve.md docs/deploy.md "$tree/share/doc/"
install -D -m 644 packaging/aikit-lua.service "$tree/share/systemd/aikit-lua.service"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work" -czf "$folder/$name.tar.gz" "$name"

echo "$package"
echo "$folder/$name.tar.gz"
