package socket

import "github.com/go-zeromq/zmq4"

// GetOption reads zmq4.OptionHWM: the send mark of a socket that sends, else the receive mark; 0 is no limit. Everything else is an
// [*OptionError].
func (b *base) GetOption(name string) (any, error) {
	if name != zmq4.OptionHWM {
		return nil, &OptionError{Option: name, Reason: "cannot be read"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sender == nil {
		return max(b.opts.ReceiveHWM, 0), nil
	}
	return max(b.opts.SendHWM, 0), nil
}

// SetOption sets zmq4.OptionHWM, an int for both marks, before the first Listen or Dial; 0 is no limit. Everything else is an
// [*OptionError]; SUB has more.
func (b *base) SetOption(name string, value any) error {
	if b.refusing.Load() {
		return ErrClosed
	}
	if name != zmq4.OptionHWM {
		return &OptionError{Option: name, Reason: "is not one of a " + string(b.typ) + " socket"}
	}
	hwm, ok := value.(int)
	if !ok {
		return &OptionError{Option: name, Reason: "takes an int"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return &OptionError{Option: name, Reason: "must be set before the first Listen or Dial"}
	}
	if hwm <= 0 { // zmq4 and libzmq: 0 is no limit
		hwm = -1
	}
	b.opts.SendHWM, b.opts.ReceiveHWM = hwm, hwm
	if b.inbox != nil {
		b.inbox.hwm = hwm
	}
	return nil
}
