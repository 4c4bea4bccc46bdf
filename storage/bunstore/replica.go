package bunstore

import (
	"context"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// ErrReplica: a change, or a command with a key, was asked of a DB with Options.Replica. The server
// was not asked.
var ErrReplica = errs.New(errs.Internal, "bunstore: the database is a read replica, which has no part in changes; use the primary")

// changing is check for what stores something.
func (u unit) changing(ctx context.Context) error {
	if u.replica {
		return ErrReplica
	}
	return u.check(ctx)
}

// Lag returns how far a standby may be behind: how long ago the last transaction that it has
// replayed was committed on its primary, or its last checkpoint was made where it has replayed none
// since it started. It is behind by less where nothing has been written since, and the clocks of
// both count as alike. A server that is no
// standby, or no longer one, is not behind, and neither is SQLite.
func (d *DB) Lag(ctx context.Context) (time.Duration, error) {
	if err := d.check(ctx); err != nil || d.grammar == sqlite {
		return 0, err
	}
	var micros int64
	err := d.once(ctx, func() error {
		rows, err := d.conn().Query(ctx, "select case when pg_is_in_recovery() then (extract(epoch from clock_timestamp()"+
			" - coalesce(pg_last_xact_replay_timestamp(), (pg_control_checkpoint()).checkpoint_time)) * 1000000)::bigint else 0 end", nil)
		if err != nil {
			return err
		}
		return each(rows, func(rows Rows) error { return rows.Scan(&micros) })
	})
	if err != nil {
		return 0, d.fail(ctx, "read the lag", err)
	}
	return time.Duration(max(micros, 0)) * time.Microsecond, nil
}
