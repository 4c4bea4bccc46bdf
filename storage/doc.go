// Package storage is what stands between the engines and a database.
//
// A context, such as package stamps, declares its tables, each with one function that declares the
// columns of a row, writes them and reads them:
//
//	var lines = storage.NewTable("routing_line", func(c *storage.Columns, l *Line) {
//		storage.Text(c, "line", &l.ID)
//		c.Key()
//		c.Version(&l.Version)
//		c.State("state", 1, l)
//	})
//
// It reads with a [Look], writes with a [Change], and walks along an [Index] with [List]. Nothing
// else can be asked, so that no call reads a table by accident. A database implements [DB]; it knows
// tables by their [Def], and no context. The adapters are storage/memory and storage/bunstore, and
// storage/storagetest is what each of them passes.
//
// Rows whose keys begin with a root's belong to it: the context changes the root with them, so that
// who decided on older ones meets a conflict.
//
// Several engines work in one transaction:
//
//	err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
//		if err := codes.In(tx).Spend(ctx, claim); err != nil {
//			return err
//		}
//		_, err := cards.In(tx).Add(ctx, stamps.Add{Card: id, N: 1, Key: key})
//		return err
//	})
//
// The laws of a database, each held by a case of storagetest:
//
//   - A Change is stored whole or not at all.
//   - A row with a version, a root, is stored over the version before its own, and over no other.
//   - What can be expected is no error of the database: after it, an enclosing transaction goes on.
//   - A Store reads and writes the rows of one tenant.
package storage
