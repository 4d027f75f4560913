//go:build !race

package ingest

import "testing"

func TestSocketAllocations(t *testing.T) {
	client, server := wires(t)
	out, in := make([]byte, 1000), make([]byte, 900) // the rest comes from what was read ahead
	if n := testing.AllocsPerRun(100, func() {
		if _, err := client.Write(out); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(out); {
			n, err := server.Read(in)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}
