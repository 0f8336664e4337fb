// The program calls every operation of the document with a client that was generated from it.
package main

import (
	"fmt"
	"os"
)

func main() {
	directory := os.Getenv("FIXTURES")
	fixtures := checkFixtures(directory)
	surprises := checkSurprises(directory)
	done := tour(os.Getenv("INFRAI_BASE_URL"), os.Getenv("INFRAI_API_KEY"))
	fmt.Printf("go: %d operations, %d errors, %d pages, 1 clip of %d bytes, %d fixtures, %d surprises\n",
		done.operations, done.errors, done.pages, done.bytes, fixtures, surprises)
}
