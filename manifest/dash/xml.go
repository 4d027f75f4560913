package dash

import "weir/manifest"

// appendDescriptor appends an element of DescriptorType inside an AdaptationSet.
func appendDescriptor(dst []byte, element, scheme, value string) []byte {
	dst = append(dst, `   <`...)
	dst = append(dst, element...)
	dst = manifest.AppendAttribute(dst, "schemeIdUri", scheme)
	dst = manifest.AppendAttribute(dst, "value", value)
	return append(dst, "/>\n"...)
}
