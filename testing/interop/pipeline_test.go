package interop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fanfare-go/fanfare/pipeline"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

const (
	pipelineTasks   = 2000
	pipelineWorkers = 2
)

// number and result are what examples/worker takes and gives.
type number struct {
	Num int `json:"num"`
}

type result struct {
	ConsumerID int `json:"consumer_id"`
	Num        int `json:"num"`
}

// The tasks as examples/worker names them, and as it does not.
var (
	numbers, otherNumbers = pipeline.NewTask[number]("numbers"), pipeline.NewTask[number]("other.numbers")
	results, otherResults = pipeline.NewTask[result]("results"), pipeline.NewTask[result]("other.results")
)

// stages says which stages are ours, and whether ours use the plain form among themselves: then they do not know each other's tasks by
// name.
type stages struct {
	produce, work, collect, plain bool
}

func (s stages) String() string {
	names := []string{"python", "python", "python"}
	for i, ours := range []bool{s.produce, s.work, s.collect} {
		switch {
		case ours && s.plain:
			names[i] = "plain"
		case ours:
			names[i] = "ours"
		}
	}
	return strings.Join(names, "-")
}

// A pipeline of a producer, two workers and a collector, in which each of the three is ours or a plain socket of libzmq. They start in any
// order. Each number comes out once.
func TestPipeline(t *testing.T) {
	t.Parallel()
	program := buildWorker(t)
	for _, s := range []stages{
		{produce: true}, {work: true}, {collect: true},
		{produce: true, work: true}, {work: true, collect: true}, {produce: true, collect: true},
		{produce: true, work: true, collect: true}, {produce: true, work: true, collect: true, plain: true},
	} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			newRun(t, s, program).test(t)
		})
	}
}

// buildWorker returns examples/worker as a program.
func buildWorker(t *testing.T) string {
	t.Helper()
	interop.Require(t)
	program := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", program, "../../examples/worker").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// run is one run of the pipeline.
type run struct {
	stages
	program string
	numbers string   // where the producer binds
	results []string // where the workers bind

	sent    func()         // waits until the producer has no more to do
	workers []func()       // end them
	next    func() result  // waits for a result
	rest    func() (n int) // ends the collector, and returns how many more results there were
}

func newRun(t *testing.T, s stages, program string) *run {
	r := &run{stages: s, program: program, numbers: interop.IPC(t)}
	for range pipelineWorkers {
		r.results = append(r.results, interop.IPC(t))
	}
	return r
}

func (r *run) test(t *testing.T) {
	starts := []func(t *testing.T){r.startProducer, r.startCollector}
	for i := range pipelineWorkers {
		starts = append(starts, func(t *testing.T) { r.startWorker(t, i) })
	}
	order := rand.Perm(len(starts))
	t.Logf("started in the order %v of producer, collector, workers", order)
	for _, i := range order {
		starts[i](t)
	}

	seen, by := map[int]bool{}, map[int]int{}
	for range pipelineTasks {
		got := r.next()
		if seen[got.Num] || got.Num < 0 || got.Num >= pipelineTasks {
			t.Fatalf("%+v came twice, or was never sent", got)
		}
		seen[got.Num] = true
		by[got.ConsumerID]++
	}
	if len(by) > pipelineWorkers {
		t.Errorf("%d workers: %v", len(by), by)
	}
	t.Logf("results by worker: %v", by)
	r.sent()
	for _, end := range r.workers {
		end()
	}
	if n := r.rest(); n != 0 {
		t.Errorf("%d results came twice", n)
	}
}

func (r *run) startProducer(t *testing.T) {
	if !r.produce {
		python := interop.Python(t, "produce.py", r.numbers, fmt.Sprint(pipelineTasks))
		python.Ready()
		r.sent = func() { line(t, python, "sent") }
		return
	}
	b, _ := join(t, zmq.Options{Push: zmq.Bind(r.numbers)})
	task := numbers
	if r.plain {
		task = otherNumbers
	}
	p, err := pipeline.NewProducer(b, task, &pipeline.ProducerOptions{Plain: !r.work || r.plain})
	if err != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	t.Cleanup(sending.Wait)
	ctx := interop.Patient(t)
	failed := make(chan error, 1)
	sending.Go(func() {
		for n := range pipelineTasks {
			if err := p.Send(ctx, number{n}); err != nil {
				failed <- err
				return
			}
		}
		failed <- p.Wait(ctx)
	})
	r.sent = func() {
		if err := interop.Next(t, failed); err != nil {
			t.Error(err)
		}
		s := p.Stats()
		if done := s.Acknowledged + s.Handed; done != pipelineTasks || s.Redelivered != 0 || (s.Handed != 0) != (!r.work || r.plain) {
			t.Errorf("%+v", s)
		}
	}
}

func (r *run) startWorker(t *testing.T, i int) {
	if !r.work {
		python := interop.Python(t, "work.py", r.numbers, r.results[i])
		python.Ready()
		r.workers = append(r.workers, python.Kill)
		return
	}
	args := []string{"-pull", r.numbers, "-push", r.results[i]}
	if !r.produce || r.plain {
		args = append(args, "-default")
	}
	if !r.collect || r.plain {
		args = append(args, "-plain")
	}
	worker := interop.Start(t, exec.Command(r.program, args...))
	worker.Ready()
	r.workers = append(r.workers, func() {
		if err := worker.Terminate(); err != nil {
			t.Error(err)
		}
	})
}

func (r *run) startCollector(t *testing.T) {
	if !r.collect {
		python := interop.Python(t, "collect.py", r.results...)
		python.Ready()
		r.next = func() (got result) {
			if err := json.Unmarshal([]byte(python.Line()), &got); err != nil {
				t.Fatal(err)
			}
			return got
		}
		r.rest = func() (n int) {
			python.Tell("end")
			line := python.Line()
			if _, err := fmt.Sscan(line, new(string), &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return n
		}
		return
	}
	b, _ := join(t, zmq.Options{Pull: zmq.Connect(r.results...)})
	collected := make(chan result, 2*pipelineTasks)
	task := results
	if r.plain {
		task = otherResults
	}
	w, err := pipeline.NewWorker(b, task, func(_ context.Context, got result) error {
		collected <- got
		return nil
	}, &pipeline.Options{Default: !r.work || r.plain})
	if err != nil {
		t.Fatal(err)
	}
	r.next = func() result { return interop.Next(t, collected) }
	r.rest = func() int {
		if err := b.Shutdown(interop.Patient(t)); err != nil {
			t.Error(err)
		}
		if s := w.Stats(); s.Begun != pipelineTasks || s.Succeeded != s.Begun {
			t.Errorf("%+v", s)
		}
		return len(collected)
	}
}
