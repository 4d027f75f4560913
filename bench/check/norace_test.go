//go:build !race

package check

// racing tells that the race detector is on.
const racing = false
