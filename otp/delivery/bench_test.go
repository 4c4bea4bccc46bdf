package delivery_test

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/storage"
)

func databases(b *testing.B, f func(b *testing.B, db storage.DB)) {
	b.Run("memory", func(b *testing.B) { f(b, memoryDB()) })
	b.Run("sqlite", func(b *testing.B) { f(b, dbtest.SQLite(b)) })
}

var unbounded = delivery.Policy{
	SMS: delivery.Quota{N: 1e9, Window: 24 * time.Hour}, From: delivery.Quota{N: 1e9, Window: 24 * time.Hour},
	Prefixes: map[string]delivery.Quota{"+86": {N: 1e9, Window: 24 * time.Hour}},
}

func BenchmarkSend(b *testing.B) {
	databases(b, func(b *testing.B, db storage.DB) {
		s := openWith(b, db, unbounded)
		i := 0
		for b.Loop() {
			i++
			if _, err := s.engine.Send(ctx, delivery.Send{Address: numberOf(i), Purpose: "signin", Template: "code", From: "192.0.2.1", Key: "k"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	databases(b, func(b *testing.B, db storage.DB) {
		s := openWith(b, db, unbounded)
		i := 0
		for b.Loop() {
			b.StopTimer()
			i++
			code, _ := s.code(numberOf(i), "signin")
			b.StartTimer()
			if err := s.verify(numberOf(i), "signin", code); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDeliver(b *testing.B) {
	databases(b, func(b *testing.B, db storage.DB) {
		s := openWith(b, db, unbounded)
		i := 0
		for b.Loop() {
			b.StopTimer()
			i++
			if _, err := s.ask(numberOf(i), "signin"); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if s.deliver() != 1 {
				b.Fatal("it was not sent")
			}
		}
	})
}
