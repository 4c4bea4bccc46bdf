package main

func Example() {
	main()
	// Output:
	// 2026-03-10 10:00  the boss has an invitation to wangjing drawn, which is good until 11 March 10:00
	// 2026-03-10 13:00  Kathy scans it and manages wangjing
	// 2026-03-10 13:00  oBoss is told by WeChat, new-manager: map[character_string2:wangjing thing1:Kathy已成为店长]
	// 2026-03-10 13:00  Eve, who was sent a screenshot of it, is refused: true
	// 2026-03-10 13:00  Alice scans the code of shop wangjing and signs in; she is new: true
	// 2026-03-10 13:00  her nickname passes WeChat's check of texts: true
	// 2026-03-10 13:00  she presses the phone button: +86138****8000 is linked
	// 2026-03-10 13:00  she changes it to +86139****9000 by a code
	// 2026-03-10 13:00  +86138****8000 is told by SMS: unlinked
	// 2026-03-10 13:00  she agrees to news of points and cards, one message of each kind
	// 2026-03-11 13:00  order-1: 32 points, 1 stamps in round 1
	// 2026-03-12 13:00  order-2: 64 points, 0 stamps in round 2
	// 2026-03-12 13:00  oAlice is told by WeChat, card-full: map[date2:2026年4月11日 thing1:新优惠券：A free coffee]
	// 2027-03-05 08:01  oAlice is told by WeChat, points-end: map[date2:2027年3月11日 number1:32]
}
