#!/bin/sh
# The image's commands, by the names that they have in package.json. Node directly: pnpm would look for
# changed dependencies first, and stand between a signal and the process.
set -eu
cd /opt/pgreel
case "${1:-}" in
    start) exec node cli/start.ts ;;
    worker) exec node worker/main.ts ;;
    migrate) exec node cli/migrate.ts ;;
    *)
        echo "pgreel's commands are start, worker and migrate." >&2
        exit 64
        ;;
esac
