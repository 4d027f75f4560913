package dash

import "weir/manifest"

// appendNumber appends an attribute that is a number.
func appendNumber(dst []byte, name string, value int64) []byte {
	return manifest.AppendNumber(dst, name, value)
}

// appendAttribute appends an attribute of text.
func appendAttribute(dst []byte, name, value string) []byte {
	return manifest.AppendAttribute(dst, name, value)
}

// appendDescriptor appends an element of DescriptorType inside an AdaptationSet.
func appendDescriptor(dst []byte, element, scheme, value string) []byte {
	dst = append(dst, `   <`...)
	dst = append(dst, element...)
	dst = appendAttribute(dst, "schemeIdUri", scheme)
	dst = appendAttribute(dst, "value", value)
	return append(dst, "/>\n"...)
}
