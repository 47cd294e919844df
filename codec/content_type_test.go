package codec_test

import (
	"slices"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
)

// TestChoose checks which codec decodes which content type, by what it makes of the same bytes.
func TestChoose(t *testing.T) {
	t.Parallel()
	gbk := codec.As("text/plain; charset=gbk", codec.Raw)
	both := codec.Any(codec.JSON, codec.As("application/x", codec.Raw))
	for name, tc := range map[string]struct {
		asked       codec.Codec
		contentType string
		want        codec.Codec // nil: not accepted
	}{
		"its own":                  {codec.JSON, "application/json", codec.JSON},
		"none":                     {codec.JSON, "", codec.JSON},
		"unknown":                  {codec.JSON, "application/octet-stream", codec.JSON},
		"other case":               {codec.JSON, "Application/JSON", codec.JSON},
		"with parameters":          {codec.JSON, `application/json; profile="a b"`, codec.JSON},
		"in UTF-8":                 {codec.JSON, "application/json; charset=UTF-8", codec.JSON},
		"in another charset":       {codec.JSON, "application/json; charset=gbk", nil},
		"another":                  {codec.JSON, "application/xml", nil},
		"a suffix":                 {codec.JSON, "application/geo+json", nil},
		"nonsense":                 {codec.JSON, "json", nil},
		"broken parameters":        {codec.JSON, "application/json; =", nil},
		"raw takes all":            {codec.Raw, "application/json", codec.Raw},
		"raw takes nonsense":       {codec.Raw, ";;", codec.Raw},
		"string takes JSON":        {codec.String, "application/json", codec.String},
		"string takes UTF-8":       {codec.String, "text/html; charset=UTF-8", codec.String},
		"string takes utf8":        {codec.String, "text/plain; charset=UTF8", codec.String},
		"string takes no other":    {codec.String, "text/plain; charset=gbk", nil},
		"other charset":            {gbk, "text/plain; charset=big5", codec.Raw}, // which Raw takes anyhow
		"any, the first":           {both, "application/json", codec.JSON},
		"any, none":                {both, "", codec.JSON},
		"any, the last":            {both, "application/x", codec.Raw},
		"any, all":                 {codec.Any(codec.JSON, codec.String), "text/x", codec.String},
		"any, not one":             {codec.Any(codec.JSON, codec.As("a/b", codec.JSON)), "text/x", nil},
		"any, text before JSON":    {codec.Any(codec.String, codec.JSON), "application/json; profile=x", codec.JSON},
		"any, raw before JSON":     {codec.Any(codec.Raw, codec.JSON), "application/json", codec.JSON},
		"any, raw after JSON":      {codec.Any(codec.JSON, codec.Raw), "application/octet-stream", codec.Raw},
		"any, raw takes the rest":  {codec.Any(codec.Raw, codec.JSON), "a/b", codec.Raw},
		"any, text within any":     {codec.Any(codec.Any(codec.String), codec.Any(codec.Raw, codec.JSON)), "application/json", codec.JSON},
		"any, within renamed":      {codec.As("a/b", codec.Any(codec.JSON, codec.String)), "a/b", codec.JSON},
		"renamed twice":            {codec.As("a/b", codec.As("c/d", codec.JSON)), "a/b", codec.JSON},
		"any within any":           {codec.Any(codec.Any(codec.JSON), codec.Any(codec.String)), "text/x", codec.String},
		"renamed":                  {codec.As("text/json", codec.JSON), "text/json", codec.JSON},
		"renamed, its former name": {codec.As("text/json", codec.JSON), "application/json", codec.JSON},
		"renamed, another":         {codec.As("text/json", codec.JSON), "text/xml", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codec.Choose(tc.asked, tc.contentType); got != tc.want {
				t.Errorf("%q is decoded by %T, want %T", tc.contentType, got, tc.want)
			}
		})
	}
}

// TestAnyEncodesAsTheFirst checks what is published.
func TestAnyEncodesAsTheFirst(t *testing.T) {
	t.Parallel()
	both := codec.Any(codec.JSON, codec.String)
	got, err := both.Append([]byte("head:"), new("größer"))
	if err != nil || string(got) != `head:"größer"` || both.ContentType() != "application/json" {
		t.Errorf("%q as %s, %v", got, both.ContentType(), err)
	}
	renamed := codec.As("text/json", codec.JSON)
	if got, err := renamed.Append(nil, new("a")); err != nil || string(got) != `"a"` || renamed.ContentType() != "text/json" {
		t.Errorf("%q as %s, %v", got, renamed.ContentType(), err)
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	all := codec.Any(codec.As("text/json", codec.JSON), codec.Any(codec.JSON, codec.String), codec.Raw)
	want := []string{"text/json", "application/json", "*/*; charset=utf-8", "*/*"}
	if got := codec.Accepted(all); !slices.Equal(got, want) {
		t.Errorf("accepted are %q, want %q", got, want)
	}
}
