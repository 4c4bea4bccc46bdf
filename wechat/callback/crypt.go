package callback

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// A Secret is what WeChat's console and the service both have.
type Secret struct {
	Token  string // signs pushes
	AESKey string // EncodingAESKey, of 43 letters and digits
}

// block is what messages are padded to, by PKCS #7. It is not that of AES.
const block = 32

// A crypt is a Secret ready for use.
type crypt struct {
	token string
	block cipher.Block
	iv    []byte
}

func newCrypt(s Secret) (*crypt, error) {
	if s.Token == "" {
		return nil, errors.New("the token is missing; without it anybody could sign")
	}
	key, err := base64.RawStdEncoding.DecodeString(s.AESKey) // of 43 characters the last two bits say nothing
	if err != nil || len(key) != 32 {
		return nil, errors.New("the EncodingAESKey has not 43 letters and digits; WeChat's console shows it")
	}
	b, err := aes.NewCipher(key)
	return &crypt{s.Token, b, key[:aes.BlockSize]}, err
}

// sign is what signs the parts of a request, in lower case.
func (c *crypt) sign(parts ...string) string {
	all := append([]string{c.token}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, "")))
	return hex.EncodeToString(sum[:])
}

// signed reports, in constant time, whether a signature is that of the parts.
func (c *crypt) signed(signature string, parts ...string) bool {
	return subtle.ConstantTimeCompare([]byte(c.sign(parts...)), []byte(signature)) == 1
}

// errCipher is told of whatever is wrong with a ciphertext, so that the answer tells nothing of it.
var errCipher = errors.New("the ciphertext can't be read")

// decrypt returns the message of a ciphertext, and whom it is for.
func (c *crypt) decrypt(ciphertext string) (message []byte, receiver string, err error) {
	text, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil || len(text) < block || len(text)%aes.BlockSize != 0 {
		return nil, "", errCipher
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > block || pad > len(text) || slices.ContainsFunc(text[len(text)-pad:], func(b byte) bool { return int(b) != pad }) {
		return nil, "", errCipher
	}
	text = text[:len(text)-pad]
	if len(text) < 20 {
		return nil, "", errCipher
	}
	n := binary.BigEndian.Uint32(text[16:])
	if text = text[20:]; uint64(n) > uint64(len(text)) {
		return nil, "", errCipher
	}
	return text[:n], string(text[n:]), nil
}

// encrypt returns the ciphertext of a message for a receiver.
func (c *crypt) encrypt(message []byte, receiver string) string {
	text := make([]byte, 20, 20+len(message)+len(receiver)+block)
	rand.Read(text[:16])
	binary.BigEndian.PutUint32(text[16:], uint32(len(message)))
	text = append(append(text, message...), receiver...)
	pad := block - len(text)%block
	for range pad {
		text = append(text, byte(pad))
	}
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text)
}
