// Package play is load on an origin: thousands of players and pullers in one process, on one thread, with some hundred
// bytes each. It measures how long media takes from the sender's hand to a player's, by the stamps that package stamp
// puts into it, and works against any origin that it can reach by plain HTTP/1.1. It decodes nothing, and trusts nothing
// that it reads. Start with Run.
package play
