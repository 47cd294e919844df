// Package nats holds benchmarks of Fanfare beside NATS, whose server runs in the same process. It is a module of its own, so that users
// of the library do not download NATS.
//
// What is compared takes turns in one benchmark, in blocks of some milliseconds: so both meet the same machine, and the ratios hold
// where the figures do not.
package nats
