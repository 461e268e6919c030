package main

import "context"

func measureSDK(ctx context.Context, l *lab, r *report) error { return nil }
