// Package reconcile makes what runs match the AMS resources: a channel for each live event, a door for each access token,
// a route for each streaming locator. It is the one place where resources, channels and routes meet, and keeps their
// stored records; it is never on the way of a chunk or of a request, which read the snapshots that it hands out. Start
// reading at Plane, then routes.go.
package reconcile
