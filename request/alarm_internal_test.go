package request

import (
	"testing"
	"testing/synctest"
	"time"
)

// An alarm rings at the time that was set last, whether that is later or earlier than the ones before, and once.
func TestAlarmRingsAtTheTimeSetLast(t *testing.T) {
	t.Parallel()
	for name, set := range map[string][]time.Duration{
		"once":        {5 * time.Second},
		"put off":     {time.Second, 2 * time.Second, 5 * time.Second},
		"brought on":  {time.Hour, 5 * time.Second},
		"there again": {5 * time.Second, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, began := newAlarm(), time.Now()
				for _, after := range set {
					at := time.Time{}
					if after > 0 {
						at = began.Add(after)
					}
					a.set(at)
				}
				<-a.woken
				if took := time.Since(began); took != 5*time.Second {
					t.Errorf("rings after %v", took)
				}
				select {
				case <-a.woken:
					t.Error("rings again")
				case <-time.After(2 * time.Hour):
				}
			})
		})
	}
}

// An alarm that nobody waits for any more does not ring.
func TestAlarmThatIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAlarm()
		a.set(time.Now().Add(time.Second))
		a.set(time.Time{})
		select {
		case <-a.woken:
			t.Error("rings")
		case <-time.After(time.Hour):
		}
	})
}
