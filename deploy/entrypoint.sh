#!/bin/sh
# The image's commands, by the names that they have in package.json. Node directly: pnpm would look for
# changed dependencies first, and stand between a signal and the process.
set -eu
cd /opt/pgreel
command=${1:-}
[ $# -eq 0 ] || shift
case "$command" in
    start) exec node cli/start.ts ;;
    worker) exec node worker/main.ts ;;
    migrate) exec node cli/migrate.ts ;;
    doctor) exec node cli/doctor.ts "$@" ;;
    backup) exec node cli/backup.ts "$@" ;;
    restore) exec node cli/restore.ts "$@" ;;
    *)
        echo "pgreel's commands are start, worker, migrate, doctor, backup and restore." >&2
        exit 64
        ;;
esac
