// Package pipeline hands tasks to workers, each to one of them, at least once.
package pipeline
