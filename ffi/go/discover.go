package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"encoding/json"
)

// Target is one instance's metrics URL, with its labels.
type Target struct {
	// Labels as they are on samples, and besides __address__, __scheme__, __metrics_path__ and some of
	// __meta_promfetch_….
	Labels map[string]string
}

// Address is what to dial, as host:port.
func (t Target) Address() string { return t.Labels["__address__"] }

// URL of the metrics. Instances behind TLS have certificates in another name than that of the address: the library
// knows which, a plain HTTP client does not.
func (t Target) URL() string {
	return t.Labels["__scheme__"] + "://" + t.Labels["__address__"] + t.Labels["__metrics_path__"]
}

// Discover finds the instances of an app without asking them.
func (c *Client) Discover(ctx context.Context, r Request) ([]Target, error) {
	k, err := c.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer k.end()
	var cerr *C.promfetch_error
	list := C.promfetch_discover_request(k.client, k.request, &cerr)
	if list == nil {
		return nil, k.fail(cerr)
	}
	defer C.promfetch_targets_free(list)
	targets := make([]Target, int(C.promfetch_targets_count(list)))
	for i := range targets {
		at := C.size_t(i)
		count := C.promfetch_targets_label_count(list, at)
		targets[i].Labels = make(map[string]string, int(count))
		for j := range count {
			var n, m C.size_t
			name := C.promfetch_targets_label_name(list, at, j, &n)
			value := C.promfetch_targets_label_value(list, at, j, &m)
			targets[i].Labels[copied(name, n)] = copied(value, m)
		}
	}
	return targets, nil
}

// InstanceStatus is what is known of one instance without asking it: "why is my app not there?"
type InstanceStatus struct {
	AppID            string `json:"app_id"`
	OrganizationName string `json:"organization_name"`
	SpaceName        string `json:"space_name"`
	AppName          string `json:"app_name"`
	ProcessType      string `json:"process_type"`
	Index            string `json:"index"`
	InstanceGUID     string `json:"instance_guid"`
	// Address is dialled, as host:port.
	Address string `json:"address"`
	TLS     bool   `json:"tls"`
	// Host that the instance is asked under.
	Host string `json:"host"`
	// Path that the next page asks for, and why: "default", "query" (the request's) or "binding" (the target's).
	Path             string `json:"path"`
	PathSource       string `json:"path_source"`
	IsolationSegment string `json:"isolation_segment,omitempty"`
	AvailabilityZone string `json:"availability_zone,omitempty"`
	// RouteAgeSeconds since a source last said that the instance is there.
	RouteAgeSeconds float64 `json:"route_age_seconds"`
	// Status is "up", "down", or "unknown" when nobody has asked it lately.
	Status string `json:"status"`
	// Last is nil when nobody has asked it lately.
	Last *LastAnswer `json:"last,omitempty"`
}

// LastAnswer is how an instance answered last.
type LastAnswer struct {
	SecondsAgo float64 `json:"seconds_ago"`
	Path       string  `json:"path"`
	// HTTPStatus is 0 if there was no answer.
	HTTPStatus      int     `json:"http_status,omitempty"`
	DurationSeconds float64 `json:"duration_seconds"`
	BodyBytes       int64   `json:"body_bytes"`
	Samples         int64   `json:"samples"`
	// Error is "" or a reason such as "timeout", as in promfetcher_scrape_error.
	Error  string `json:"error,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Instances is what is known of the instances of an app. Nothing is asked for it.
func (c *Client) Instances(ctx context.Context, r Request) ([]InstanceStatus, error) {
	k, err := c.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer k.end()
	var cerr *C.promfetch_error
	list := C.promfetch_instances_request(k.client, k.request, &cerr)
	if list == nil {
		return nil, k.fail(cerr)
	}
	var instances []InstanceStatus
	return instances, decode(list, &instances)
}

// decode reads a JSON text of the library, and frees it.
func decode(t *C.promfetch_text, into any) error {
	defer C.promfetch_text_free(t)
	var n C.size_t
	data := C.promfetch_text_data(t, &n)
	return json.Unmarshal(view(data, n), into)
}
