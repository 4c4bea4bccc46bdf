package main

func Example() {
	main()
	// Output:
	// order-1: <nil>
	// order-2: the payment was declined
	// 1 order, 129 points
}
