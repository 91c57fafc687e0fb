package promfetch

import (
	"encoding/json"
	"time"
)

// TargetSpec is an instance that the program itself knows of. Address is needed, and App or AppID or a route.
type TargetSpec struct {
	// Address as host:port, or a Unix socket such as "unix:///run/app.sock:/metrics".
	Address string `json:"address"`
	// App, and its organization and space, are the names it is found under, and labels.
	App          string `json:"app,omitempty"`
	Organization string `json:"organization,omitempty"`
	Space        string `json:"space,omitempty"`
	// AppID is made from the names if it is not given.
	AppID string `json:"app_id,omitempty"`
	// Index is the place among the targets of the same app if it is not given.
	Index string `json:"index,omitempty"`
	// Routes are further selectors, such as "shop" or "shop.example.org/cart".
	Routes []string `json:"routes,omitempty"`
	// ProcessType is "web" if it is not given.
	ProcessType string `json:"process_type,omitempty"`
	// Path of the metrics, if it is not what the request asks for.
	Path string `json:"path,omitempty"`
	// Headers are sent to this target.
	Headers map[string]string `json:"headers,omitempty"`
	// Labels are added to its samples.
	Labels map[string]string `json:"labels,omitempty"`
	// TLS, and the name that the certificate must have if that is not the host of the address.
	TLS        bool   `json:"tls,omitempty"`
	ServerName string `json:"server_name,omitempty"`
	// CertChain and PrivateKey, as PEM, are the certificate to show.
	CertChain  string `json:"cert_chain,omitempty"`
	PrivateKey string `json:"private_key,omitempty"`
	HTTP2      bool   `json:"http2,omitempty"`
	// Preset is what kind of program it is: "ecs-agent" has an address of its own, and labels that it is asked for.
	Preset string `json:"preset,omitempty"`
	// Timeout of this target, if it is shorter than the page's.
	Timeout time.Duration `json:"-"`
}

// MarshalJSON writes the time-out as the library reads it.
func (t TargetSpec) MarshalJSON() ([]byte, error) {
	type plain TargetSpec
	wire := struct {
		plain
		Timeout string `json:"timeout,omitempty"`
	}{plain: plain(t)}
	if t.Timeout != 0 {
		wire.Timeout = t.Timeout.String()
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads what MarshalJSON writes, such as a list from a file.
func (t *TargetSpec) UnmarshalJSON(data []byte) error {
	type plain TargetSpec
	wire := struct {
		*plain
		Timeout string `json:"timeout,omitempty"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.Timeout == "" {
		return nil
	}
	timeout, err := time.ParseDuration(wire.Timeout)
	t.Timeout = timeout
	return err
}
