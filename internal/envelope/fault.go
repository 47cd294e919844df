package envelope

import "fmt"

// Fault returns what is wrong with a property that an application sets, or "". header says that the name is the application's choice, so
// that it must not be reserved.
func Fault(name, value string, header bool) string {
	if header || name == "" {
		if err := CheckName(name); err != nil {
			return err.Error()
		}
		if Reserved(name) {
			return "the name is reserved"
		}
	}
	if name == IDProperty && (value == "" || len(value) > MaxID) {
		return fmt.Sprintf("the ID has %d bytes, it must be 1 to %d", len(value), MaxID)
	}
	return ""
}
