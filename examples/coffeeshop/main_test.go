package main

func Example() {
	main()
	// Output:
	// order-1: stamp 1, 129 points, replayed: false
	// order-1: stamp 1, 129 points, replayed: true
	// A cup: 29 points left, then 0 and 35 owed
	// 小爱: stamp 2 by kathy
	// stamps.add stamps/coffee/alice 1
	// stamps.add stamps/coffee/alice 2
	// loyalty.earn loyalty/club/alice 1
	// loyalty.redeem loyalty/club/alice 2
	// loyalty.refund loyalty/club/alice 3
	// reward.issue reward/gifts/alice 1
	// shop.put shop/wangjing 1
	// shop.invite shop/wangjing 2
	// shop.bind shop-manager/kathy 1
	// otp.issue otp-holder/wangjing/alice 1
	// otp.check otp-typist/wangjing/kathy 2
	// otp.spend otp-code/wangjing/1 1
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
