#!/bin/sh
# Starts its arguments as the owner of the project's folder, so that what zkdeck writes into data/ and
# logs/ belongs to the person who started the stack, and in the group of Docker's socket.
# Started as somebody else than root, it changes nothing.
set -eu
if [ "$(id -u)" != 0 ]; then
  exec "$@"
fi

uid=${ZKDECK_UID:-} gid=${ZKDECK_GID:-}
if [ -z "$uid" ] && [ -e /zkdeck/owner ]; then
  uid=$(stat -c %u /zkdeck/owner)
  gid=${gid:-$(stat -c %g /zkdeck/owner)}
fi
# root's folder: the same number as the user of the ZooKeeper image.
if [ "${uid:-0}" = 0 ]; then uid=1000; fi
if [ "${gid:-0}" = 0 ]; then gid=$uid; fi

# Docker makes a missing folder of the host as root.
mkdir -p /zkdeck/data/uploads /zkdeck/logs/backend
for folder in /zkdeck/data /zkdeck/logs/backend; do
  if [ "$(stat -c %u:%g "$folder")" != "$uid:$gid" ]; then
    chown -R "$uid:$gid" "$folder"
  fi
done
chown "$uid:$gid" /zkdeck/logs

groups=$gid
if [ -S /var/run/docker.sock ]; then
  groups=$groups,$(stat -c %g /var/run/docker.sock)
fi
exec setpriv --reuid "$uid" --regid "$gid" --groups "$groups" -- "$@"
