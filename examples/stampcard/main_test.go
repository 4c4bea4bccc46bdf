package main

func Example() {
	main()
	// Output:
	// order-1: card 1, stamp 6, replayed: false
	// order-2: card 2, stamp 2, replayed: false
	//   coupon coffee/alice:1: A free coffee
	// order-2: card 2, stamp 2, replayed: true
	//   coupon coffee/alice:1: A free coffee
}
