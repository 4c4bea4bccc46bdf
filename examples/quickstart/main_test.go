package main

func Example() {
	main()
	// Output:
	// 129 points, 0 owed, replayed: false
	// 129 points, 0 owed, replayed: true
	// 29 points, 0 owed, replayed: false
	// 0 points, 35 owed, replayed: false
}
