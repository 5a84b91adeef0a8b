import type { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '../core/index.ts'

/** "DGTS": marks a database file as ours, https://sqlite.org/pragma.html#pragma_application_id. */
export const applicationId = 0x44475453

/** Number n brings a database from version n-1 to n (`PRAGMA user_version`). Append only: released ones never change. */
export const migrations: readonly string[] = [
  `
  create table instance (
    id text primary key not null,
    signing_key text not null,
    proxy_token text not null,
    private_port integer,
    last_event_id integer not null default 0,
    probes integer not null default 0
  ) strict;
  create table cluster (
    name text primary key not null,
    username text not null,
    options text not null,
    settings text not null,
    status text not null,
    target text not null,
    count integer not null,
    attempt text,
    token text not null,
    tls_cert text not null,
    tls_key text not null,
    dashboard_key text not null,
    addresses text,
    start_time integer not null,
    stop_time integer,
    reason text,
    worker_start_failures integer not null
  ) strict, without rowid;
  create table worker (
    name text primary key not null,
    cluster_name text not null references cluster (name) on delete cascade,
    status text not null,
    target text not null,
    attempt text,
    end_expected integer not null,
    start_time integer not null,
    stop_time integer,
    reason text
  ) strict, without rowid;
  create index worker_of_cluster on worker (cluster_name);
  create table event (
    id integer primary key not null,
    cluster_name text not null references cluster (name) on delete cascade,
    time integer not null,
    kind text not null,
    message text not null,
    worker text,
    details text not null
  ) strict;
  create index event_of_cluster on event (cluster_name, id);
  create table session (
    hash text primary key not null,
    username text not null,
    groups text not null,
    admin integer not null,
    kind text not null,
    expires_at integer not null
  ) strict, without rowid;
  create index session_by_end on session (expires_at);
  `,
  `
  alter table instance add column drain text;
  create table audit (
    id integer primary key autoincrement not null,
    time integer not null,
    username text not null,
    action text not null,
    cluster_name text,
    owner text,
    address text not null,
    message text not null
  ) strict;
  create index audit_of_user on audit (username, id);
  create index audit_of_cluster on audit (cluster_name, id);
  `,
  `
  create table access_token (
    hash text primary key not null,
    id text not null unique,
    name text not null,
    username text not null,
    groups text not null,
    admin integer not null,
    scope text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer,
    made_by text
  ) strict, without rowid;
  `,
  `
  alter table cluster add column groups text not null default '[]';
  `,
  `
  alter table cluster add column queued integer;
  create table quota (
    scope text not null,
    name text not null,
    limits text not null,
    set_by text not null,
    set_at integer not null,
    primary key (scope, name)
  ) strict, without rowid;
  `,
  `
  create table usage_account (
    id integer primary key not null,
    username text not null,
    groups text not null,
    labels text not null,
    unique (username, groups, labels)
  ) strict;
  create table usage (
    day text not null,
    account integer not null references usage_account (id),
    cluster_ms integer not null,
    worker_ms integer not null,
    core_ms integer not null,
    memory_byte_ms real not null,
    primary key (day, account)
  ) strict, without rowid;
  create index usage_of_account on usage (account, day);
  `,
  `
  alter table cluster add column ready_time integer;
  alter table cluster add column end_age integer;
  `,
  `
  alter table instance add column audit_forgotten integer not null default 0;
  create trigger audit_unchanged before update on audit
  begin select raise(abort, 'the audit trail is append-only'); end;
  create trigger audit_unreplaced before insert on audit when exists (select 1 from audit where id = new.id)
  begin select raise(abort, 'the audit trail is append-only'); end;
  create trigger audit_kept before delete on audit when old.id > (select audit_forgotten from instance)
  begin select raise(abort, 'the audit trail is append-only'); end;
  create trigger audit_forgotten_grows before update of audit_forgotten on instance
  when new.audit_forgotten < old.audit_forgotten
  begin select raise(abort, 'the audit trail is append-only'); end;
  `,
  'alter table cluster add column adaptive text;',
]

/** The version of a database of ours; 0: nothing in it yet. Throws when a newer server wrote it. */
export function checkedVersion(database: DatabaseSync, path: string): number {
  const version = Number(database.prepare('pragma user_version').get()?.user_version)
  if (version <= migrations.length) return version
  throw new GatewayError(
    'configuration',
    `The database ${path} (DBBackendBase.db_url) has version ${version}, but this dask-gateway-server knows versions up to ${migrations.length}. A newer server wrote it: run that one, or move the database away to begin anew.`,
  )
}

/** Brings the database to the newest version, each step whole or not at all. */
export function migrate(database: DatabaseSync, fromVersion: number): void {
  for (const [index, statements] of migrations.entries()) {
    const version = index + 1
    if (version <= fromVersion) continue
    database.exec('begin immediate')
    try {
      database.exec(statements)
      database.exec(`pragma application_id = ${applicationId}; pragma user_version = ${version}`)
      database.exec('commit')
    } catch (error) {
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }
}
