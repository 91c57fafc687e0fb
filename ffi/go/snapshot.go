package promfetch

// #include <promfetch.h>
import "C"

// Snapshot is the routing table at one moment, and how its sources are doing.
type Snapshot struct {
	// Ready: all sources have once said all they know.
	Ready   bool     `json:"ready"`
	Sources []Source `json:"sources"`
	// Routes by their key, a host with perhaps a path.
	Routes map[string][]Route `json:"routes"`
}

// Source of routes.
type Source struct {
	// Kind is "nats", "gorouter" or "targets".
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Connected: it can be heard at this moment.
	Connected bool `json:"connected"`
	// Ready: it has been heard completely once.
	Ready  bool   `json:"ready"`
	Detail string `json:"detail"`
	// LastMessageAgeSeconds is nil before the first message.
	LastMessageAgeSeconds *float64 `json:"last_message_age_seconds"`
}

// Route is one endpoint of a route.
type Route struct {
	Address             string            `json:"address"`
	AvailabilityZone    string            `json:"availability_zone"`
	Protocol            string            `json:"protocol"`
	TLS                 bool              `json:"tls"`
	ServerCertDomainSAN string            `json:"server_cert_domain_san,omitempty"`
	IsolationSegment    string            `json:"isolation_segment,omitempty"`
	PrivateInstanceID   string            `json:"private_instance_id,omitempty"`
	Tags                map[string]string `json:"tags"`
	// AgeSeconds since a source has vouched for it.
	AgeSeconds float64 `json:"age_seconds"`
	// Source is who vouches for it.
	Source []string `json:"source"`
}

// Snapshot is the routing table as it is now.
func (c *Client) Snapshot() (*Snapshot, error) {
	ptr, done, err := c.use()
	if err != nil {
		return nil, err
	}
	defer done()
	var cerr *C.promfetch_error
	t := C.promfetch_client_snapshot(ptr, &cerr)
	if t == nil {
		return nil, take(cerr)
	}
	snapshot := new(Snapshot)
	if err := decode(t, snapshot); err != nil {
		return nil, err
	}
	return snapshot, nil
}
