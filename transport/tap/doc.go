// Package tap shows operators the frames that a tap of the engine (actors/tap) has seen, without their secrets.
//
// A credential is never shown: of what a client says before it is logged in only the structure is left, and later
// whatever stands under the name of a secret, is a token that the session took from the frame, or looks like a token is
// hidden. A frame that cannot be read as JSON is withheld where it might hold one.
package tap
