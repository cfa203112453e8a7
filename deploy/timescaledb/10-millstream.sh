#!/bin/sh
# Runs once, when the database is made: a role of its own for Millstream, owner of its database and no superuser.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$MILLSTREAM_DATABASE_PASSWORD" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role millstream login password :'password';
select format('alter database %I owner to millstream', current_database()) \gexec
select format('alter database %I set timezone to ''UTC''', current_database()) \gexec
select format('revoke connect on database %I from public', current_database()) \gexec
SQL
