package video

import "encoding/json"

// JobError says why a job failed, in words or in detail. It stands in for the generated type of a oneOf, which needs a
// package from outside the standard library.
type JobError struct {
	Text   string
	Detail *JobErrorDetail
}

// UnmarshalJSON reads a text or an object.
func (e *JobError) UnmarshalJSON(data []byte) error {
	*e = JobError{}
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &e.Text)
	}
	return json.Unmarshal(data, &e.Detail)
}

// MarshalJSON writes what was read.
func (e JobError) MarshalJSON() ([]byte, error) {
	if e.Detail != nil {
		return json.Marshal(e.Detail)
	}
	return json.Marshal(e.Text)
}
