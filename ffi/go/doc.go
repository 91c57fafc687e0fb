// Package promfetch asks all instances of an app for their Prometheus metrics and merges what they answer into one
// page, with labels that tell the instances apart. It is libpromfetch, a C library, for Go.
//
//	client, err := promfetch.NewClient() // configured from the environment: PROMFETCH_NATS__HOSTS…
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	page, err := client.Fetch(ctx, promfetch.Request{Selector: "my-org/my-space/my-app"})
//	if err != nil {
//		return err
//	}
//	_, err = page.WriteTo(os.Stdout)
//
// A [Client] learns the instances from the platform (NATS, or gorouter's route table), or from the program
// ([Client.SetTargets]). [Client.Fetch] and [Client.Stream] ask them, [Client.Discover] and [Client.Instances] tell
// what is known of them, [Handler] serves the merged page. [Merge] needs no client: it merges pages that the program
// has from elsewhere.
//
// # Errors
//
// Errors are [*Error] values with a code, and work with errors.Is: for codes ([ErrNotFound]), for their groups
// ([ErrDiscovery]), and for what ended the context (context.Canceled, context.DeadlineExceeded, its cause).
//
// # Contexts
//
// The deadline of a context is the time for the page. What has arrived by then is the page; only when nothing has, it
// is an error. Cancelling ends the call at once.
//
// # Close
//
// Client, Merge and Stream hold memory that Go's collector does not see: close them. Those that are forgotten are
// freed some time after the last reference is gone. Everything else is plain Go memory.
//
// # Linking
//
// By default the installed library is linked, by pkg-config. With the build tag promfetch_static it is an archive
// that comes with the module; see the README.
package promfetch
