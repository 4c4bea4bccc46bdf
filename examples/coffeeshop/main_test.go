package main

func Example() {
	main()
	// Output:
	// order-1: stamp 1, 129 points, replayed: false
	// order-1: stamp 1, 129 points, replayed: true
	// A cup: 29 points left, then 0 and 35 owed
	// 小爱: stamp 2 by kathy
	// alice has 1 stamps
	// alice has 2 stamps
	// kathy manages wangjing
	// sales-1: linked
	// sales-2: linked
	// message-1 to sales-1: new [first]
	// message-2 to sales-2: duplicate [job]
	// row 1: added
	// row 2: addedLead
	// row 3: inFile
	// row 4: unread
	// message-3 to sales-1: excluded [library]
	// enabled 1 online
	// whatsapp true 1 1 1
	// line false 0 0 0
	// visitor-1: whatsapp/sales-2, sent there before: false
	// visitor-1: whatsapp/sales-2, sent there before: true
	// order-12 of 郭恩晴: received, then pending at sales-2
}
