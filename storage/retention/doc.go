// Package retention keeps the journal from filling the disk: the bodies of old entries go to
// archives, files of JSON lines that the service keeps where it likes, and what is left of them is
// deleted after some more time.
//
//	for more := true; more; {
//		segment, err := old.Archive(ctx, file, now.AddDate(0, -3, 0))
//		// close the file, and bring it to where it is safe
//		n, err := old.Strip(ctx, open)
//		more = segment.More
//	}
//	n, err := old.Prune(ctx, now.AddDate(-2, 0, 0))
//
// Archive changes nothing. Strip takes from the database what it finds in an archive that is whole,
// and finds in the database as it is there. Each may be stopped at any time, and called again.
//
// These hold:
//
//   - A body is in the database or in an archive, whatever process or server is killed.
//   - The newest entry of a subject that was archived keeps its body in the database until the next
//     one of that subject is archived. So what an entry says of the one before it, as those of
//     loyalty do, stands on what is still there.
//   - A command whose entry was archived is not run again: it is [journal.ErrArchived]. After Prune
//     its key is as good as new, so Prune is for what nobody will repeat any more.
//   - What a relay has yet to hand over, also where it was put aside, keeps its body.
package retention
