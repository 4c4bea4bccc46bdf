// Package bunstore is the adapter for SQLite and Postgres, on a [bun.DB] that the caller opens,
// configures and closes.
//
//	sqldb, err := sql.Open("pgx", dsn)
//	db := bunstore.OnPostgres(sqldb) // or the *bun.DB of the service
//	err = bunstore.Migrate(ctx, db, loyalty.Tables, stamps.Tables)
//	store, err := bunstore.New(db, nil)
//
// Migrate makes the tables of the packages that a service uses. [Migrations] are the same files for
// goose or golang-migrate, and [Validate] reports what a database lacks.
//
// These hold on both databases:
//
//   - A row that several may change has a version, and a write names the version that it was
//     decided on. No lock is taken to read, and no expected outcome is an SQL error.
//   - On Postgres a Save is one statement for all changes of one root of a table, however many those
//     are, and one for each change of several. Where another transaction takes at that moment what
//     the statement found free, it is a short transaction, or a savepoint within one.
//   - On SQLite the transactions of all tenants of a DB run one after the other, behind a lock that
//     a context can give up. Readers don't wait. One DB should be all that writes the file; others
//     are waited for as busy_timeout says.
//   - Times are stored in microseconds, UTC: timestamptz on Postgres, an integer since 1970 on
//     SQLite. Texts compare by their bytes.
//
// For SQLite use WAL:
// file:PATH?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000). New
// refuses a file without WAL or busy_timeout. With synchronous=NORMAL, or OFF, a crash of the
// machine may take what was acknowledged last. Where the file or its log is deleted or replaced
// under the process, writes return ErrFileGone; those in a transaction that was joined are not
// looked after.
//
// # Moves
//
// On Postgres the feed of the journal goes on where the database does: after a restart of its
// server, a dump that is restored, a standby that is promoted, though it was behind, a file system
// that is copied. A cursor from before is good, and nothing is written behind it. The first entry
// that is written after a move may cost a transaction that was joined another run: it is
// storage.ErrRetry. A standby may be read, for what may be a moment old. A subscriber of logical
// replication may not, before it takes over: what it is sent comes in another order.
//
// On SQLite a cursor is good for as long as no older copy of the file takes its place; one that is
// kept in the same file, as package relay does, is good with each copy.
//
// # Servers
//
// Where a server of Postgres is gone, or takes no changes any more, what was asked of it runs again
// at once on another connection, up to four times: a read, a transaction of InTx that did not come
// to its COMMIT, a Save that was refused. So does a Save whose connection ended, if all that it
// stores has keys, for then it can't be stored twice; of one without, and of a COMMIT, nothing is
// known: [ErrLost]. Connections to a server that refuses changes are thrown away. A fail-over that
// takes longer is [ErrUnavailable], and a time-out of the server [ErrTimeout]. All three are of
// class errs.TryAgain: the same call with the same key is right after each of them. In a
// transaction that was joined the first is storage.ErrRetry too.
//
// lib/pq has database/sql run a statement again whose connection ended, whatever it stored: what has
// no key may then be stored twice. Use pgx, or keys.
//
// A standby is read with Options.Replica.
//
// # Citus
//
// [Distribute] spreads the tables of a database over the nodes of a Citus cluster by tenant, after
// Migrate and once. From then on New knows it, and nothing else is different:
//
//	err = bunstore.Migrate(ctx, db, loyalty.Tables, stamps.Tables)
//	err = bunstore.Distribute(ctx, db, loyalty.Tables, stamps.Tables)
//	store, err := bunstore.New(db, nil)
//
// Every statement names its tenant, and goes to one node. A Save is a short transaction, or several
// statements in one that was joined. The first entry of a tenant that is written in a joined
// transaction, after its node was started or it was moved to another one, keeps others that write as
// the tenant waiting until that transaction ends. Holders reports on the node that db is connected
// to alone.
//
// # Drivers and poolers
//
// A transaction of the service's is joined with [DB.Join] and, where it is of pgx without
// database/sql, with package pgxtx; [DB.JoinConn] takes one of any other driver.
//
// On Postgres any driver of database/sql does, and no setting of a session but
// standard_conforming_strings, which must be on, changes what is written or read. For pgx set
// default_query_exec_mode=simple_protocol, or lists, which carry their arguments in their text,
// crowd its cache of statements; the hot statements are prepared in either mode. They are prepared
// a few times afresh while a database grows and never closed before their connection is, so that a
// pooler may have fewer connections to the server than the pool has. These are tested, all of them
// with pgx in each of its modes and with lib/pq:
//
//	pooler                                       pgx: simple_protocol, exec, cache_describe   pgx: default   lib/pq
//	none                                         good                                         good           good
//	pgbouncer, pool_mode = session               good                                         good           good
//	pgbouncer before 1.21, or with               good; Options.Unprepared saves               not good       good with
//	max_prepared_statements = 0,                 the first errors                                            Options.Unprepared
//	pool_mode = transaction
//
// In the last line the default mode of pgx fails by itself, for it prepares the queries of the
// embedder too; and without Options.Unprepared lib/pq may be given the answer to another statement,
// which nobody can notice. A pool_mode of statement has no transactions and does not do. A
// pgbouncer from 1.21 on that keeps prepared statements is good without the option; the tests have
// none.
package bunstore
