#!/bin/bash
# SPDX-License-Identifier: MIT
# machine.sh DIR SOURCE INIT: the first process of a throw-away copy of this machine, in namespaces of its own (machine.py). Its root
# is this one's with a layer of memory on top, seen at /mnt/upper; SOURCE is seen, read-only, at /mnt/anteroom. INIT is systemd or none.
set -eu
dir=$1 source=$2 init=$3

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/top"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/top"
mkdir -p "$dir/top/mnt/anteroom"
mount --bind -o ro "$source" "$dir/top/mnt/anteroom"
mount -o remount,bind,ro "$dir/top/mnt/anteroom"
cd "$dir/top"

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
for name in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $name; done
mkdir run/lock
chmod 1777 tmp run/lock
# Nodes of its own: systemd changes modes of what it finds here. Its console is another name for null.
for node in null:1:3 console:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$node"
    mknod -m 666 "dev/$name" c "$major" "$minor"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
hostname anteroom-test
# SIOCSIFFLAGS, IFF_UP
/usr/bin/python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))'
echo '127.0.0.1 localhost anteroom-test anteroom.example.org' >etc/hosts


# Of what this machine has, nothing starts by itself; and nothing changes a kernel that it shares.
for conf in etc/dpkg/dpkg.cfg.d/*; do # where manual pages are left out, a package would not be whole
    if grep -q '^path-exclude' "$conf" 2>/dev/null; then rm "$conf"; fi
done
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires
tr -d - <proc/sys/kernel/random/uuid >etc/machine-id
command=(setpriv --bounding-set="-sys_module,-sys_time,-sys_rawio,-sys_boot")
if [ "$init" = systemd ]; then
    command+=(/lib/systemd/systemd --system --unit=sysinit.target --log-target=journal --show-status=no)
else
    command+=(sleep infinity)
fi

# A root of its own rather than chroot, in which the kernel makes no user namespaces (PrivateUsers=).
mkdir mnt/upper mnt/old
mount --bind "$dir/upper" mnt/upper
pivot_root . mnt/old
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . sh -c 'umount -l /mnt/old; rmdir /mnt/old; exec "$@"' sh "${command[@]}" <dev/null
