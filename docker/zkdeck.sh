#!/bin/sh
# `docker compose exec backend zkdeck`: comes before the program itself on the PATH, and starts it as the user who
# runs the daemon. exec comes in as root, and zkdeck never runs as root.
exec entrypoint /usr/local/bin/zkdeck "$@"
