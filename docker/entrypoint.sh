#!/bin/sh
# Starts its arguments as the owner of the project's folder, so that what zkdeck writes into data/ and
# logs/ belongs to the person who started the stack, and in the group of Docker's socket.
# Started as somebody else than root, it takes on nobody else.
#
# As the first process of the container it stays, and hands SIGTERM to every zkdeck in it: a console that was
# opened by `docker compose exec` would else be killed with the container, and leave its terminal garbled.
set -eu
if [ "$(id -u)" = 0 ]; then
  uid=${ZKDECK_UID:-} gid=${ZKDECK_GID:-}
  if [ -z "$uid" ] && [ -e /zkdeck/owner ]; then
    uid=$(stat -c %u /zkdeck/owner)
    gid=${gid:-$(stat -c %g /zkdeck/owner)}
  fi
  # root's folder: the same number as the user of the ZooKeeper image.
  if [ "${uid:-0}" = 0 ]; then uid=1000; fi
  if [ "${gid:-0}" = 0 ]; then gid=$uid; fi

  # Once, at the container's start: Docker makes a missing folder of the host as root.
  if [ $$ = 1 ]; then
    mkdir -p /zkdeck/data/uploads /zkdeck/logs/backend
    for folder in /zkdeck/data /zkdeck/data/uploads /zkdeck/logs/backend; do
      if [ "$(stat -c %u:%g "$folder")" != "$uid:$gid" ]; then
        chown -R "$uid:$gid" "$folder"
      fi
    done
    chown "$uid:$gid" /zkdeck/logs
  fi

  groups=$gid
  if [ -S /var/run/docker.sock ]; then
    groups=$groups,$(stat -c %g /var/run/docker.sock)
  fi
  exec setpriv --reuid "$uid" --regid "$gid" --groups "$groups" -- "$0" "$@"
fi
# Not beside others, or at a terminal of its own (`docker run -it`): nothing to hand on.
if [ $$ != 1 ] || [ -t 0 ]; then
  exec "$@"
fi

# What runs in the background would read from /dev/null.
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&-
# -1: every process of the container that belongs to this user, but this one.
trap 'kill -TERM -1 2>/dev/null || true' TERM INT HUP
# A signal ends a wait early; the child is done when it cannot be found any more.
code=0
while :; do
  wait "$child" && code=0 || code=$?
  kill -0 "$child" 2>/dev/null || break
done
# The consoles get three seconds to give their terminals back.
kill -TERM -1 2>/dev/null || exit "$code"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  kill -0 -1 2>/dev/null || break
  sleep 0.2
done
exit "$code"
