// Package network holds the tests of the delivery contract between processes, over connections that are cut, that stall, and whose other
// side dies. What they need of the network is [Link].
package network
