package main

func Example() {
	main()
	// Output:
	// 2026-03-10 10:00  the boss has an invitation to wangjing drawn, which is good until 11 March 10:00
	// 2026-03-10 13:00  Kathy scans it and manages wangjing; boss is told
	// 2026-03-10 13:00  Eve, who was sent a screenshot of it, is refused: true
	// 2026-03-10 13:00  Alice scans the code of shop wangjing and signs in; she is new: true
	// 2026-03-10 13:00  her nickname passes WeChat's check of texts: true
	// 2026-03-10 13:00  she presses the phone button: +86138****8000 is linked
	// 2026-03-10 13:00  she changes it to +86139****9000 by a code; the one at +86138****8000 is told
	// 2026-03-10 13:00  she agrees to news of points and cards, one message of each kind
	// 2026-03-11 13:00  order-1: 32 points, 1 stamps in round 1
	// 2026-03-12 13:00  order-2: 64 points, 0 stamps in round 2
	// 2026-03-12 13:00  she is told card-full: map[date2:2026-04-11 thing1:A free coffee]
	// 2027-03-05 10:00  she is told points-end: map[date2:2027-03-11 number1:32]
}
